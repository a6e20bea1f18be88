"""Contours: the inner edge of every instance, drawn on the image."""

import numpy as np
import pytest

from minunet.results.overlay import CONTOUR, find_boundaries, full_size_line, line_width, overlay


def test_the_outline_of_a_square():
    mask = np.zeros((9, 9), bool)
    mask[2:7, 2:7] = True
    ring = mask.copy()
    ring[3:6, 3:6] = False
    assert np.array_equal(find_boundaries(mask), ring)
    ring[3:6, 3:6] = True
    ring[4, 4] = False
    assert np.array_equal(find_boundaries(mask, 2), ring)
    assert np.array_equal(find_boundaries(mask, 3), mask)


def test_touching_instances_are_separated():
    instances = np.ones((6, 10), np.int32)
    instances[:, 5:] = 2
    expected = np.zeros((6, 10), bool)
    expected[:, 4:6] = True  # where they touch; the border of the image is no edge
    assert np.array_equal(find_boundaries(instances), expected)
    assert not find_boundaries(instances > 0).any()


def test_the_outline_stays_inside_random_instances():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (20, 23))
    edge = find_boundaries(labels)
    assert not edge[labels == 0].any()
    for row in range(20):
        for column in range(23):
            around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            inner = [labels[r, c] for r, c in around if 0 <= r < 20 and 0 <= c < 23]
            assert edge[row, column] == (
                labels[row, column] > 0 and any(other != labels[row, column] for other in inner)
            )


@pytest.mark.parametrize("thickness", [1, 2, 3, 5])
def test_a_thick_outline_is_the_pixels_within_so_many_steps_of_another_label(thickness):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, (4, 5)).repeat(7, axis=0).repeat(6, axis=1)
    edge = find_boundaries(labels.astype(np.int32), thickness)
    rows, columns = np.indices(labels.shape)
    for row, column in np.argwhere(labels > 0):
        steps = np.abs(rows - row) + np.abs(columns - column)
        assert edge[row, column] == (steps[labels != labels[row, column]].min() <= thickness)
    assert not edge[labels == 0].any()


def test_an_overlay_changes_the_contour_only():
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    mask = np.zeros((30, 40, 1), np.float32)
    mask[5:20, 8:30] = 0.7
    drawn = overlay(image, mask)
    assert drawn.size == (40, 30)
    edge = find_boundaries(mask[:, :, 0] > 0.5)
    assert np.all(np.asarray(drawn)[edge] == CONTOUR)
    assert np.array_equal(np.asarray(drawn)[~edge], image[~edge])


def test_doubt_is_tinted_and_certainty_is_not():
    image = np.full((4, 6), 200, np.uint8)
    probability = np.array([[0.0, 1.0, 0.5, 0.1, 0.9, 0.5]] * 4, np.float32)
    drawn = np.asarray(overlay(image, np.zeros((4, 6), bool), probability)).astype(int)
    assert np.all(drawn[:, :2] == 200)
    assert np.all(drawn[:, 2, 2] < 100) and np.all(drawn[:, 2, 0] > 200)  # orange
    assert np.all(drawn[:, 3, 2] > drawn[:, 2, 2]) and np.all(drawn[:, 3, 2] < 200)


def test_a_mask_of_another_size_is_refused():
    image = np.zeros((4, 6), np.uint8)
    with pytest.raises(ValueError, match=r"the mask is \(6, 4\), the image \(4, 6\)"):
        overlay(image, np.zeros((6, 4), bool))
    with pytest.raises(ValueError, match=r"the probability is \(3, 6\)"):
        overlay(image, np.zeros((4, 6), bool), np.zeros((3, 6)))
    with pytest.raises(ValueError, match=r"instances are \(H, W\)"):
        find_boundaries(np.zeros((2, 2, 3)))


def test_a_contour_is_seen_at_any_size():
    assert line_width((100, 100)) == 1 and line_width((1200, 1600)) == 6
    assert line_width((256, 256), shown=128) == 3
    assert full_size_line(1600) == 6 and full_size_line(20_000) == full_size_line(20_000, 800) == 8
