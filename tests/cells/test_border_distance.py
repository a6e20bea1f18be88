import numpy as np
import pytest

from minunet.cells.border_distance import border_distance, cell_borders
from tests.cells.drawn_cells import disc, random_labels


def test_concentric_discs_are_as_far_apart_as_their_radii():
    inner, outer = disc((81, 81), 40, 40, 20), disc((81, 81), 40, 40, 26)
    assert border_distance(inner, outer).mean == pytest.approx(6, abs=0.25)
    assert border_distance(inner, inner).mean == 0


def test_distances_are_those_of_a_search_over_all_pairs():
    rng = np.random.default_rng(0)
    one, other = random_labels(rng), random_labels(rng)
    points = [np.argwhere(cell_borders(labels)) for labels in (one, other)]
    between = np.sqrt(((points[0][:, None] - points[1][None]) ** 2).sum(axis=2))
    expected = (between.min(axis=1).sum() + between.min(axis=0).sum()) / sum(between.shape)
    assert border_distance(one, other).mean == pytest.approx(expected)


def test_borders_are_between_cells_too_but_not_at_the_border_of_the_image():
    borders = cell_borders(np.array([[1, 1, 1, 2], [1, 1, 1, 2], [0, 1, 1, 2]]))
    assert borders.tolist() == [[False, False, True, True], [True, False, True, True], [False, True, True, True]]


def test_without_cells_there_is_no_distance():
    assert border_distance(np.zeros((5, 5), int), np.ones((5, 5), int)).mean is None
