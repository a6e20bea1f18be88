"""The convex area of a cell: the pixels in its convex hull, as scikit-image's regionprops counts them."""

from __future__ import annotations

import numpy as np

NEAR = 1e-9  # pixels; a pixel's centre that lies on the hull is in it, whatever the rounding


def convex_area(cell: np.ndarray) -> int:
    """The number of pixels whose centres are in the convex hull of a cell, or on it.

    Parameters
    ----------
    cell : ndarray, (h, w) bool
        With a pixel in its first row, and in its last one.

    Notes
    -----
    Each pixel is a diamond: its corners are the middles of the four sides, half a pixel from the centre. The hull of the
    diamonds is the Minkowski sum of the hull of the centres and one diamond. So to the right it reaches, in each row, as far as
    the hull of the centres, half a pixel up, in the row or half a pixel down, plus what the diamond is wide there.
    """
    (rows,) = np.nonzero(cell.any(axis=1))
    width = cell.shape[1]
    first = cell[rows].argmax(axis=1)
    last = width - 1 - cell[rows, ::-1].argmax(axis=1)
    every = np.arange(cell.shape[0])
    right = _reach(rows, last, every)
    left = -_reach(rows, -first, every)
    return int((np.floor(right + NEAR) - np.ceil(left - NEAR) + 1).sum())


def _reach(rows: np.ndarray, ends: np.ndarray, every: np.ndarray) -> np.ndarray:
    """How far the hull of the diamonds reaches in each row."""
    outer = np.ones(len(rows), bool)  # without those on or below the line between their neighbours
    outer[1:-1] = (ends[1:-1] - ends[:-2]) * (rows[2:] - rows[:-2]) > (ends[2:] - ends[:-2]) * (rows[1:-1] - rows[:-2])
    corner_rows, corner_ends = _upper_hull(rows[outer].tolist(), ends[outer].tolist())
    reach = np.interp(every, corner_rows, corner_ends) + 0.5
    between = np.interp(every[:-1] + 0.5, corner_rows, corner_ends)  # (h - 1,): halfway to the next row
    np.maximum(reach[:-1], between, out=reach[:-1])
    np.maximum(reach[1:], between, out=reach[1:])
    return reach


def _upper_hull(xs: list[int], ys: list[int]) -> tuple[list[int], list[int]]:
    """The corners of the upper side of the convex hull of points with ascending x (Andrew's monotone chain)."""
    hull_x: list[int] = []
    hull_y: list[int] = []
    for x, y in zip(xs, ys, strict=True):
        while len(hull_x) > 1 and (hull_x[-1] - hull_x[-2]) * (y - hull_y[-2]) >= (hull_y[-1] - hull_y[-2]) * (
            x - hull_x[-2]
        ):
            hull_x.pop()
            hull_y.pop()
        hull_x.append(x)
        hull_y.append(y)
    return hull_x, hull_y
