"""Thresholds: where a graded mask is cut into background and cell.

Otsu's method finds the cut from the mask itself; a mask that has only two levels needs no method and is always cut
between them, whatever the numbers are.
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.pixels import to_grey
from minunet.errors import UserError

BINS = 256


def otsu_threshold(array: np.ndarray) -> float:
    """The level that separates an array's values best: values above it are one class, the others the second.

    It maximises the variance between the classes, sigma_B^2(k) = (mu_T w(k) - mu(k))^2 / (w(k) (1 - w(k))), where w(k) is
    the share of values up to level k, mu(k) their part of the mean, and mu_T the mean of all (N. Otsu, "A threshold
    selection method from gray-level histograms", IEEE Trans. SMC 9(1), 1979, equation 18). Integers are counted level
    by level, floating-point values in 256 bins from the least to the greatest, whose centre is then returned.

    Parameters
    ----------
    array : ndarray, any shape
        At least one value. An array with a single level returns that level.

    Returns
    -------
    float
        In the array's own units. The first of several equally good levels.
    """
    array = np.asarray(array)
    if array.size == 0:
        raise UserError("a threshold was asked of an array without values.")
    low, high = array.min(), array.max()
    if low == high:
        return float(low)
    if array.dtype.kind in "ub":
        counts = np.bincount(array.ravel())[int(low) :]
        levels = np.arange(int(low), int(high) + 1, dtype=np.float64)
    else:
        counts, edges = np.histogram(array, bins=BINS, range=(float(low), float(high)))
        levels = (edges[:-1] + edges[1:]) / 2
    weight = np.cumsum(counts) / array.size
    moment = np.cumsum(counts * levels) / array.size
    below = weight[:-1]  # the last level has nothing above it
    between = (moment[-1] * below - moment[:-1]) ** 2 / (below * (1 - below))
    return float(levels[np.argmax(between)])


def binarise(array: np.ndarray, threshold: str | float) -> np.ndarray:
    """Cut a mask into background (False) and cell (True).

    Parameters
    ----------
    array : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        A mask as `decode_mask` gives it, or floats in [0, 1]; colour is turned to grey first.
    threshold : "otsu" or float
        A number is a fraction of white: values above it are cell, so 0 makes a cell of everything that isn't black.

    Returns
    -------
    ndarray, (H, W) bool
        Two levels are split between the two for any `threshold`. A mask of one level is all cell if that level is above
        a numeric threshold, or above 0 for "otsu", or is the 1 of a mask coded 0 and 1; else it is all background.
    """
    array = np.asarray(array)
    grey = array if array.ndim == 2 else to_grey(array)
    low, high = grey.min(), grey.max()
    if low != high and not np.any((grey != low) & (grey != high)):
        return grey == high
    if threshold == "otsu":
        return grey > (0 if low == high else otsu_threshold(grey))
    if low == high == 1:
        return np.ones(grey.shape, bool)
    return to_grey(grey) > threshold
