"""The size at which the cells of an image have a wanted diameter, and which diameters an image can have."""

import math

import numpy as np
import pytest

from minunet.data.cell_scale import check_diameter, diameter_problem, scaled_size
from minunet.errors import UserError


def test_both_sides_change_by_the_same_factor():
    assert scaled_size((1200, 1600), 100, 25) == (400, 300)
    assert scaled_size((30, 41), 12, 24) == (82, 60)
    assert scaled_size((3, 2), 100, 10) == (1, 1)


@pytest.mark.parametrize("diameter", [3, 24.5, 10_000, np.float32(80), np.int64(80)])
def test_usable_diameters(diameter):
    assert diameter_problem(diameter) is None


@pytest.mark.parametrize("diameter", [0, -5, 2.9, 1e6, math.nan, math.inf, "20", True, None])
def test_others_are_refused(diameter):
    with pytest.raises(UserError, match="a cell diameter of .*: give a number of pixels"):
        check_diameter(diameter)


def test_a_cell_is_at_most_twice_as_wide_as_its_image():
    assert diameter_problem(200, (80, 100)) is None
    assert "the image has only 100x80 pixels" in diameter_problem(201, (80, 100))
