"""Thresholds: the level that separates background and cell in a mask of several levels.

Otsu's method finds it from the mask itself. A mask of only two levels is always separated between the two, whatever the
threshold.
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.pixels import to_grey, unmasked
from minunet.errors import UserError

BINS = 256


def otsu_threshold(array: np.ndarray) -> float:
    """The level that best separates an array's values into two classes: those above it and the others.

    It maximises the variance between the classes, sigma_B^2(k) = (mu_T w(k) - mu(k))^2 / (w(k) (1 - w(k))), where w(k) is
    the share of values up to level k, mu(k) their contribution to the mean, and mu_T the mean of all values (N. Otsu, "A
    threshold selection method from gray-level histograms", IEEE Trans. SMC 9(1), 1979, equation 18). Integers are counted
    level by level; floating-point values in 256 bins from the smallest to the largest, and a bin's centre is returned.

    Parameters
    ----------
    array : ndarray, any shape
        At least one value. An array with a single level returns that level.

    Returns
    -------
    float
        In the array's own units. Of several equally good levels the lowest.
    """
    array = unmasked(array)
    if array.size == 0:
        raise UserError("an array without values has no threshold.")
    low, high = array.min(), array.max()
    if low == high:
        return float(low)
    if array.dtype.kind in "ub":
        counts = np.bincount(array.ravel())[int(low) :]
        levels = np.arange(int(low), int(high) + 1, dtype=np.float64)
    else:
        counts, edges = np.histogram(array, bins=BINS, range=(float(low), float(high)))
        levels = (edges[:-1] + edges[1:]) / 2
    return float(levels[np.argmax(between_class_variance(levels, counts))])


def between_class_variance(levels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The variance between the values up to each level and those above it; see `otsu_threshold` for the formula.

    Parameters
    ----------
    levels : ndarray, (N,)
        In ascending order.
    counts : ndarray, (N,)
        How many values each level has; those of the first and of the last one are not 0.

    Returns
    -------
    ndarray, (N - 1,) float64
        For every level but the last, above which there are no values.
    """
    total = counts.sum()
    moment = np.cumsum(counts * levels) / total
    below = np.cumsum(counts)[:-1] / total
    return np.asarray((moment[-1] * below - moment[:-1]) ** 2 / (below * (1 - below)))


def binarise(array: np.ndarray, threshold: str | float) -> np.ndarray:
    """Separate a mask into background (False) and cell (True).

    Parameters
    ----------
    array : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        A mask as `decode_mask` returns it, or floats in [0, 1]; colour is converted to grey first.
    threshold : "otsu" or float
        A number is a fraction of white: values above it are cell, so that with 0 everything that isn't black is cell.

    Returns
    -------
    ndarray, (H, W) bool
        Of two levels the higher one is cell, for any `threshold`. A mask of one level is all cell where that level is above
        a numeric threshold, or above 0 for "otsu", or is the 1 of a mask of 0 and 1; else it is all background.
    """
    array = unmasked(array)
    grey = array if array.ndim == 2 else to_grey(array)
    low, high = grey.min(), grey.max()
    if low != high and not np.any((grey != low) & (grey != high)):
        return grey == high
    if threshold == "otsu":
        return grey > (0 if low == high else otsu_threshold(grey))
    if low == high == 1:
        return np.ones(grey.shape, bool)
    return to_grey(grey) > threshold
