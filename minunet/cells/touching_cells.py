"""Touching cells: which cells have neighbouring pixels, and the clumps that they form."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def touching_cells(labels: np.ndarray) -> set[tuple[int, int]]:
    """The pairs of cells with neighbouring pixels, also at a corner, the lower number first.

    Parameters
    ----------
    labels : ndarray, (H, W) int
        The number of the cell of each pixel, 0 where there is none.
    """
    width = labels.shape[1]
    flat = np.ascontiguousarray(labels).ravel()
    found: set[tuple[int, int]] = set()
    for right, down in ((1, 0), (0, 1), (1, 1), (-1, 1)):
        step = down * width + right
        places = np.flatnonzero(flat[: len(flat) - step] != flat[step:])
        pairs = np.stack([flat[places], flat[places + step]])  # (2, borders)
        kept = (pairs > 0).all(axis=0) & (places % width + right == (places + step) % width)  # not from row to row
        found.update(map(tuple, np.sort(pairs[:, kept], axis=0).T.tolist()))
    return found


def clumps_of(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The clump of each cell that touches another one: by the number of the cell, the lowest number in its clump."""
    lower: dict[int, int] = {}

    def lowest(cell: int) -> int:
        while (next_lower := lower.setdefault(cell, cell)) != cell:
            cell = next_lower
        return cell

    for pair in sorted(pairs):
        low, high = sorted(map(lowest, pair))
        lower[high] = low
    return {cell: lowest(cell) for cell in sorted(lower)}


def in_clumps(labels: np.ndarray) -> dict[int, int]:
    """The clump of each cell of an image that touches another one; see `clumps_of`."""
    return clumps_of(touching_cells(labels))
