"""Cell size: the typical diameter of the cells of a mask in pixels, without separating cells that touch."""

from __future__ import annotations

import math

import numpy as np

# Pixels by which an erosion reduces the radius of a disc, where a cross and a square take turns: half the distance from the middle
# of the octagon that two of them make to its corners, sqrt(5), and less for discs of few pixels.
STEP_OF_EROSION = 1.08
MOST_ROWS = 800  # and columns, of a mask whose erosions are counted; of a larger one every second, third, ... is taken


def mean_diameter(cells: np.ndarray) -> float:
    """The diameter of discs that are as wide as the cells of a mask are on average.

    A straight line through a disc of diameter d runs inside it for pi d / 4 on average (Cauchy's mean chord, 4 area / perimeter
    x pi / 4), so the mean length of the runs of cell pixels in rows and columns gives d. Where cells touch without a gap and
    are not numbered, runs go through several of them, and the diameter comes out too large.

    Parameters
    ----------
    cells : ndarray, (H, W) bool or integers
        Cells are not 0. Pixels with different numbers belong to different cells.

    Returns
    -------
    float
        In pixels; 0 where there is no cell.
    """
    inside = cells != 0
    return diameter_of_runs(int(np.count_nonzero(inside)), _run_count(cells, inside) + _run_count(cells.T, inside.T))


def diameter_of_runs(area: int, runs: int) -> float:
    """The `mean_diameter` of cells of an area in all, by the number of runs of their pixels in the rows and the columns."""
    return 4 / math.pi * 2 * area / runs if runs else 0.0


def inscribed_diameter(cells: np.ndarray) -> float:
    """The diameter of discs that are as deep as the cells of a mask are on average; it hardly changes where cells touch.

    In a disc of radius r the mean distance of a pixel to the border is r / 3. The mean distance is the sum of the areas that
    are left after erosions by 1, 2, 3, ... pixels, divided by the area. Erosions with a cross and with a square take turns, so
    that what they take away is nearly a disc (an octagon). Beyond the border of the image nothing is taken away.

    Parameters
    ----------
    cells : ndarray, (H, W) bool or integers
        Cells are not 0. Between pixels with different numbers there is a border.

    Returns
    -------
    float
        In pixels; 0 where there is no cell, or no background.
    """
    step = max(1, max(cells.shape) // MOST_ROWS)
    inside = _parted(cells[::step, ::step])
    total = int(np.count_nonzero(inside))
    if not total or total == inside.size:
        return 0.0
    left, depth, area, square = inside, 0.0, total, False
    while area:
        following = _eroded(left, square)
        remaining = int(np.count_nonzero(following))
        if remaining == area:  # nothing but what reaches to the border
            break
        depth += (area + remaining) / 2 / total  # the trapezoidal rule, between two erosions
        left, area, square = following, remaining, not square
    return 6 * STEP_OF_EROSION * depth * step


def _parted(cells: np.ndarray) -> np.ndarray:
    """Where there are cells, without a line of pixels between those of different numbers."""
    inside = cells != 0
    if cells.dtype == bool:
        return inside
    inside[1:] &= (cells[1:] == cells[:-1]) | (cells[:-1] == 0)
    inside[:, 1:] &= (cells[:, 1:] == cells[:, :-1]) | (cells[:, :-1] == 0)
    return inside


def _eroded(cells: np.ndarray, square: bool) -> np.ndarray:
    """Without the pixels that have a neighbour outside, among 8 or 4."""
    padded = np.pad(cells, 1, constant_values=True)
    if square:
        rows = padded[:-2] & padded[1:-1] & padded[2:]
        return rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    middle = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1]
    return middle & padded[1:-1, :-2] & padded[1:-1, 2:]


def _run_count(cells: np.ndarray, inside: np.ndarray) -> int:
    """How many runs of equal cell pixels there are in the rows."""
    begins = inside[:, 1:] & (cells[:, 1:] != cells[:, :-1])
    return int(np.count_nonzero(begins)) + int(np.count_nonzero(inside[:, :1]))
