"""The diameter of the cells in a mask."""

import numpy as np
import pytest

from minunet.data.cell_size import inscribed_diameter, mean_diameter


def disc(side, diameter, number=1):
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return number * (rows**2 + columns**2 <= (diameter / 2) ** 2)


@pytest.mark.parametrize("diameter", [9, 20, 60])
def test_discs_have_their_diameter(diameter):
    mask = np.tile(disc(70, diameter) > 0, (2, 3))
    assert mean_diameter(mask) == pytest.approx(diameter, rel=0.1)


def test_numbered_cells_that_touch_are_told_apart():
    pair = np.concatenate([disc(20, 20, 1), disc(20, 20, 2)], axis=1)
    assert mean_diameter(pair) == pytest.approx(20, rel=0.05)
    squares = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((10, 10), int))  # no background at all
    assert mean_diameter(squares) == pytest.approx(40 / np.pi)
    assert mean_diameter(squares > 0) > 40


def test_no_cell_has_no_diameter():
    assert mean_diameter(np.zeros((5, 4), bool)) == 0


@pytest.mark.parametrize("diameter", [12, 24, 60])
def test_the_inscribed_diameter_of_discs(diameter):
    mask = np.tile(disc(70, diameter) > 0, (2, 3))
    assert inscribed_diameter(mask) == pytest.approx(diameter, rel=0.08)


def test_cells_that_touch_hardly_change_the_inscribed_diameter():
    one = disc(40, 24) > 0
    row = np.concatenate(
        [np.roll(one, 9 * (1 - 2 * (number % 2)), axis=1) for number in range(6)], axis=1
    )  # pairs overlap
    assert inscribed_diameter(row) == pytest.approx(inscribed_diameter(one), rel=0.06)


def test_an_inscribed_diameter_needs_a_border():
    assert inscribed_diameter(np.zeros((5, 4), bool)) == 0
    assert inscribed_diameter(np.ones((5, 4), bool)) == 0


def test_numbers_are_borders_of_an_inscribed_diameter():
    pair = np.concatenate([disc(24, 24, 1), disc(24, 24, 2)], axis=1)
    assert inscribed_diameter(pair) == pytest.approx(24, rel=0.1)
    square = np.ones((20, 20), int)
    halves = np.block([[np.zeros((20, 60), int)], [0 * square, square, 2 * square], [np.zeros((20, 60), int)]])
    assert inscribed_diameter(halves) < inscribed_diameter(halves > 0)
    large = np.kron(pair, np.ones((40, 40), int))
    assert inscribed_diameter(large) == pytest.approx(40 * 24, rel=0.1)
