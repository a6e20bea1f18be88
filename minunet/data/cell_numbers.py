"""Cell numbers: the numbers of the cells in an image of labels, which have gaps as files store them, and the same without gaps."""

from __future__ import annotations

import numpy as np

# Numbers up to so many times the pixels are looked up in a table; for larger ones it would need too much memory.
MOST_GAPS = 16


def without_gaps(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the cells of an image from 1 without gaps, in the order of the numbers that they have.

    Parameters
    ----------
    labels : ndarray, (H, W)
        Whole numbers of any size, not negative; 0 for background.

    Returns
    -------
    numbers : ndarray, (H, W) int64
        0 for background.
    areas : ndarray, (cells,) int64
        The pixels of each cell.

    Examples
    --------
    >>> numbers, areas = without_gaps(np.array([[0, 7, 7], [2, 2, 2]]))
    >>> numbers.tolist(), areas.tolist()
    ([[0, 2, 2], [1, 1, 1]], [3, 2])
    """
    top = int(labels.max(initial=0))
    if top <= MOST_GAPS * labels.size:  # quick where the numbers have few gaps
        counts = np.bincount(labels.ravel().astype(np.int64), minlength=top + 1)
        counts[0] = 0
        number = np.cumsum(counts > 0) * (counts > 0)
        return number[labels], counts[counts > 0]
    found, flat, counts = np.unique(labels, return_inverse=True, return_counts=True)
    has_background = int(found[0] == 0)
    return flat.reshape(labels.shape) + 1 - has_background, counts[has_background:]
