"""Cell size: the typical diameter of the cells of a mask in pixels, without separating cells that touch."""

from __future__ import annotations

import math

import numpy as np


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
    runs = _runs(cells, inside) + _runs(cells.T, inside.T)
    return 4 / math.pi * 2 * int(np.count_nonzero(inside)) / runs if runs else 0.0


def _runs(cells: np.ndarray, inside: np.ndarray) -> int:
    """How many runs of equal cell pixels there are in the rows."""
    begins = inside[:, 1:] & (cells[:, 1:] != cells[:, :-1])
    return int(np.count_nonzero(begins)) + int(np.count_nonzero(inside[:, :1]))
