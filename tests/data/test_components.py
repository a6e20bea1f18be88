"""Connected components against scikit-image, and on shapes that join late."""

import numpy as np
import pytest

from minunet.data.components import component_areas, label_components


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (23, 1), (37, 53)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.62, 0.9, 1.0])
def test_labels_are_those_of_scikit_image(share, shape, connectivity):
    measure = pytest.importorskip("skimage.measure")
    cell = np.random.default_rng(7).random(shape) < share
    expected = measure.label(cell, connectivity=connectivity)
    labels = label_components(cell, connectivity)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(component_areas(cell, connectivity), np.bincount(expected.ravel())[1:])


def test_a_diagonal_gap_separates_two_cells():
    cell = np.array([[1, 0], [0, 1]], bool)
    np.testing.assert_array_equal(label_components(cell), [[1, 0], [0, 2]])
    np.testing.assert_array_equal(label_components(cell, 2), [[1, 0], [0, 1]])


def test_a_comb_is_one_component():
    comb = np.zeros((9, 21), bool)
    comb[:-1, ::2] = comb[-1] = True  # eleven teeth that join in the last row
    assert label_components(comb).max() == 1


def test_a_labyrinth_of_one_path_is_one_component():
    path = np.zeros((41, 41), bool)
    path[::2] = True  # rows, joined at their right and left ends in turn
    path[1::4, -1] = path[3::4, 0] = True
    for turned in (path, path.T):
        labels = label_components(turned)
        assert labels.max() == 1
        np.testing.assert_array_equal(labels == 1, turned)


def test_another_array_is_refused():
    with pytest.raises(ValueError, match=r"bool, not \(2, 2\) uint8"):
        label_components(np.ones((2, 2), np.uint8))
    with pytest.raises(ValueError, match="connectivity is 1 or 2, not 3"):
        label_components(np.ones((2, 2), bool), 3)
