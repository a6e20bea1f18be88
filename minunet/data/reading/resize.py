"""Resizing: every output pixel as a weighted sum of a few input pixels, one axis after the other.

Taps are the indices and weights of such a sum along one axis; area averaging, bilinear interpolation and the cubic
B-splines of the elastic deformation are three kinds of taps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minunet.errors import UserError


class Taps(NamedTuple):
    """`out[i] = sum over k of weight[k, i] * source[index[k, i]]`; both arrays are (taps, target)."""

    index: np.ndarray
    weight: np.ndarray


def resize_area(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by exact area averaging: each output pixel is the mean of the rectangle it covers, edge pixels by share.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
    size : (width, height)
        The new size in pixels, larger or smaller than the old one, each axis on its own.

    Returns
    -------
    ndarray, (height, width) or (height, width, C)
        float32, or float64 for float64 input. The mean of the picture is kept.
    """
    return _resize(array, size, area_taps)


def resize_bilinear(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by bilinear interpolation between pixel centres, for bringing probabilities back to an image's own size.

    Output pixel i looks at (i + 0.5) * source / target - 0.5, held inside the picture (half-pixel centres). Nothing is
    averaged: to shrink a picture use `resize_area`.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
    size : (width, height)

    Returns
    -------
    ndarray, (height, width) or (height, width, C)
        float32, or float64 for float64 input.
    """
    return _resize(array, size, linear_taps)


def area_taps(source: int, target: int) -> Taps:
    """Taps of exact averaging, in whole numbers: output i covers [i * source, (i + 1) * source) of pixels of width target."""
    left = np.arange(target, dtype=np.int64) * source
    right = left + source
    first = left // target
    count = int(((right - 1) // target - first).max()) + 1
    index = first + np.arange(count)[:, None]  # (taps, target)
    overlap = np.minimum(right, (index + 1) * target) - np.maximum(left, index * target)
    weight = np.maximum(overlap, 0) / source
    return Taps(np.minimum(index, source - 1), weight)


def linear_taps(source: int, target: int) -> Taps:
    """Taps of linear interpolation at half-pixel centres."""
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    first = np.minimum(position.astype(np.intp), max(source - 2, 0))
    after = position - first
    index = np.stack([first, np.minimum(first + 1, source - 1)])
    return Taps(index, np.stack([1 - after, after]).astype(np.float32))


def apply_taps(array: np.ndarray, taps: Taps, axis: int) -> np.ndarray:
    """Carry out the weighted sums along one axis.

    Tap by tap, in a fixed order and without BLAS, so that the result has the same bits on any number of threads.
    """
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    shape = [1] * array.ndim
    shape[axis] = -1
    total = None
    for index, weight in zip(taps.index, taps.weight, strict=True):
        term = np.multiply(array.take(index, axis=axis), weight.reshape(shape), dtype=dtype)
        total = term if total is None else np.add(total, term, out=total)
    return total


def _resize(array: np.ndarray, size: tuple[int, int], taps_of) -> np.ndarray:
    array = np.asarray(array)
    width, height = size
    if width < 1 or height < 1:
        raise UserError(f"a size of {width}x{height} pixels is no picture: both numbers must be at least 1.")
    if array.ndim not in (2, 3) or array.size == 0:
        raise UserError(f"an array to resize has the shape (H, W) or (H, W, C), not {array.shape}.")
    for axis, target in ((0, height), (1, width)):
        if array.shape[axis] != target:
            array = apply_taps(array, taps_of(array.shape[axis], target), axis)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
