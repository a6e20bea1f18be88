"""Polygons and ellipses drawn, compared with scikit-image; holes and parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.data.outlines.drawing import between_sides, corners, draw_ellipse, draw_polygon, draw_rings
from minunet.errors import UserError

draw = pytest.importorskip("skimage.draw")
SHAPE = (30, 40)


def whole(part, shape=SHAPE):
    mask = np.zeros(shape, bool)
    height, width = part.mask.shape
    mask[part.top : part.top + height, part.left : part.left + width] = part.mask
    return mask


def star(seed, rounded):
    """Corners around a centre, some of them outside of the image."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 20)))
    radii = rng.uniform(6, 22, len(angles))
    ring = np.array([20.0, 15.0]) + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    return np.round(ring) if rounded else ring


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.booleans())
def test_a_polygon_is_that_of_scikit_image(seed, rounded):
    ring = star(seed, rounded)
    expected = np.zeros(SHAPE, bool)
    rows, columns = draw.polygon(ring[:, 1], ring[:, 0], SHAPE)
    expected[rows, columns] = True
    differ = draw_polygon(ring, SHAPE) != expected
    assert np.count_nonzero(differ) <= 2  # scikit-image leaves out some centres that are on a side within rounding


def test_the_outline_belongs_to_the_polygon_and_not_to_a_hole():
    square = np.array([(2, 3), (8, 3), (8, 9), (2, 9)], float)
    mask = np.zeros(SHAPE, bool)
    mask[3:10, 2:9] = True
    assert np.array_equal(draw_polygon(square, SHAPE), mask)
    hole = np.array([(4, 5), (6, 5), (6, 7), (4, 7)], float)
    mask[6, 5] = False
    assert np.array_equal(whole(draw_rings([square, hole], SHAPE)), mask)
    assert np.array_equal(whole(draw_rings([hole, square], SHAPE)), mask)


def test_parts_beside_and_over_each_other_and_an_island_in_a_hole():
    def square(left, top, side):
        return np.array([(left, top), (left + side, top), (left + side, top + side), (left, top + side)], float)

    mask = np.zeros(SHAPE, bool)
    mask[2:23, 2:23] = True
    mask[6:19, 6:19] = False
    mask[10:15, 10:15] = True
    mask[20:27, 20:27] = True
    mask[2:6, 30:34] = True
    rings = [square(2, 2, 20), square(5, 5, 14), square(10, 10, 4), square(20, 20, 6), square(30, 2, 3)]
    assert np.array_equal(whole(draw_rings(rings, SHAPE)), mask)


def test_an_ellipse():
    rows, columns = np.mgrid[:30, :40]
    disc = np.hypot(columns - 12.5, rows - 9) <= 6
    assert np.array_equal(whole(draw_ellipse((12.5, 9.0), (6.0, 6.0), 0.3, SHAPE)), disc)
    turned = whole(draw_ellipse((20.0, 15.0), (10.0, 3.0), np.pi / 2, SHAPE))
    assert turned[6:25, 20].all() and not turned[15, 24:].any()


def test_far_outside_of_the_image_nothing_is_drawn():
    assert not draw_rings([np.array([(500.0, 2), (600, 2), (600, 80)])], SHAPE).mask.any()
    assert draw_rings([np.array([(-1e7, -1e7), (1e7, -1e7), (1e7, 1e7), (-1e7, 1e7)])], SHAPE).mask.all()


@pytest.mark.parametrize(
    "values", [[[1]], [[1, "a"]], "text", None, [[1, float("nan")]], [[1e300, 2]], [[1, 2, 3]], [1, 2], [[10**400, 1]]]
)
def test_corners_that_are_none(values):
    with pytest.raises(UserError, match=r"^here has (a )?corner"):
        corners(values, "here")


@pytest.mark.parametrize(
    ("low", "high", "first", "side"),
    [(10, 20, 10, 10), (9.5, 20.5, 10, 11), (9.4, 20.4, 9, 11), (9.6, 20.6, 10, 11)],
)
def test_a_square_between_sides_of_pixels_is_that_of_pycocotools(low, high, first, side):
    square = np.array([(low, low), (high, low), (high, high), (low, high)], float)
    mask = draw_polygon(between_sides(square), (32, 32))
    assert mask.sum() == side**2 and mask[first : first + side, first : first + side].all()
