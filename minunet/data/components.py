"""Connected components: the separate parts of a mask, numbered. Where cells do not touch, each part is a cell.

Rows are cut into runs of cell pixels, and runs that touch in neighbouring rows are joined; it needs no other library.
"""

from __future__ import annotations

import numpy as np


def label_components(cell: np.ndarray, connectivity: int = 1) -> np.ndarray:
    """Number the connected components of a mask, as `skimage.measure.label` does.

    Parameters
    ----------
    cell : ndarray, (H, W) bool
    connectivity : 1 or 2
        1: pixels are connected up, down, left and right, so that a diagonal gap separates two cells; 2: diagonally too.

    Returns
    -------
    ndarray, (H, W) int32
        0 for background, then 1, 2, 3, ... in the order of the first pixel of each, row by row.

    Raises
    ------
    ValueError
        For another shape, dtype or connectivity.
    """
    lengths, numbers = _runs(cell, connectivity)
    labels = np.zeros(cell.shape, np.int32)
    labels[cell] = np.repeat(numbers + 1, lengths)  # both are in the order of rows
    return labels


def component_areas(cell: np.ndarray, connectivity: int = 1) -> np.ndarray:
    """The number of pixels of each component, (components,) int64, in the order of `label_components`."""
    lengths, numbers = _runs(cell, connectivity)
    return np.bincount(numbers, weights=lengths).astype(np.int64)


def _runs(cell: np.ndarray, connectivity: int) -> tuple[np.ndarray, np.ndarray]:
    """The length and the component, from 0 up, of every run of cell pixels, row by row."""
    cell = np.asarray(cell)
    if cell.ndim != 2 or cell.dtype != bool:
        raise ValueError(f"a mask to label is (H, W) bool, not {cell.shape} {cell.dtype}")
    if connectivity not in (1, 2):
        raise ValueError(f"connectivity is 1 or 2, not {connectivity}")
    width = cell.shape[1] + 2
    padded = np.pad(cell, ((0, 0), (1, 1))).ravel()  # (H * width,): no run crosses the end of a row
    edges = np.flatnonzero(padded[1:] != padded[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]  # of each run, in the padded rows joined to one
    return ends - starts, _numbered(*_touching(starts, ends, width, connectivity - 1), len(starts))


def _touching(starts: np.ndarray, ends: np.ndarray, width: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The runs that touch, upper and lower, `reach` pixels beyond their ends: two arrays of the indices of runs."""
    first = np.searchsorted(ends, starts + width - reach, side="right")
    last = np.searchsorted(starts, ends + width + reach, side="left")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(starts)), counts)
    offset = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + offset


def _numbered(upper: np.ndarray, lower: np.ndarray, count: int) -> np.ndarray:
    """The component of each run: runs are joined to the lowest run that they touch, until nothing changes."""
    parent = np.arange(count)
    while True:
        one, other = parent[upper], parent[lower]
        low, high = np.minimum(one, other), np.maximum(one, other)
        if np.array_equal(low, high):
            break
        np.minimum.at(parent, high, low)
        while not np.array_equal(parent, above := parent[parent]):
            parent = above
    return np.unique(parent, return_inverse=True)[1]
