"""Resizing: every output pixel as a weighted sum of a few input pixels, one axis after the other.

Area averaging, bilinear interpolation and the cubic B-splines of the elastic deformation differ only in their weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minunet.data.reading.pixels import unmasked
from minunet.errors import UserError


class AxisWeights(NamedTuple):
    """The weights along one axis: `out[i] = sum over k of weights[k, i] * source[indices[k, i]]`; both are (K, target)."""

    indices: np.ndarray
    weights: np.ndarray


def resize_area(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by exact area averaging: each output pixel is the mean of the rectangle it covers, edge pixels by share.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
    size : (width, height)
        The new size in pixels, larger or smaller than the old one, each axis independently.

    Returns
    -------
    ndarray, (height, width) or (height, width, C)
        float32, or float64 for float64 input. The mean of the image is kept.
    """
    return _resize(array, size, area_weights)


def resize_bilinear(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize by bilinear interpolation between pixel centres, for bringing probabilities back to an image's own size.

    Output pixel i is at (i + 0.5) * source / target - 0.5, clipped to the image (half-pixel centres). Nothing is averaged:
    to shrink an image use `resize_area`.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
    size : (width, height)

    Returns
    -------
    ndarray, (height, width) or (height, width, C)
        float32, or float64 for float64 input.
    """
    return _resize(array, size, linear_weights)


def resize_probability(probability: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Probabilities (h, w) or (h, w, M) of a model's input at the shape (H, W) of the image: float32 in [0, 1]."""
    height, width = shape
    if probability.shape[:2] != shape:
        probability = resize_bilinear(probability, (width, height))
    return np.clip(probability, 0.0, 1.0).astype(np.float32, copy=False)


class RowsResize:
    """The resizing of an image some rows at a time; the values are those of resizing it whole, bit for bit.

    Parameters
    ----------
    source : (height, width)
        Of the image.
    size : (width, height)
        The new one.
    weights_of : callable
        `area_weights` or `linear_weights`.
    """

    def __init__(self, source: tuple[int, int], size: tuple[int, int], weights_of: Callable[[int, int], AxisWeights]):
        self._unchanged = [old == new for old, new in zip(source, reversed(size), strict=True)]
        self._rows, self._columns = (weights_of(old, new) for old, new in zip(source, reversed(size), strict=True))

    def span(self, top: int, bottom: int) -> tuple[int, int]:
        """The rows [start, stop) of the image that the rows [top, bottom) of the result depend on."""
        if self._unchanged[0]:
            return top, bottom
        indices = self._rows.indices[:, top:bottom]
        return int(indices.min()), int(indices.max()) + 1

    def complete(self, rows: int) -> int:
        """How many rows of the result depend on nothing but the first `rows` rows of the image."""
        if self._unchanged[0]:
            return rows
        return int(np.searchsorted(self._rows.indices.max(axis=0), rows))

    def rows(self, part: np.ndarray, top: int, bottom: int) -> np.ndarray:
        """The rows [top, bottom) of the result, from the rows `span(top, bottom)` of the image: (h, W) or (h, W, C)."""
        if not self._unchanged[0]:
            start, _ = self.span(top, bottom)
            indices, weights = (array[:, top:bottom] for array in self._rows)
            part = apply_weights(part, AxisWeights(indices - start, weights), 0)
        if not self._unchanged[1]:
            part = apply_weights(part, self._columns, 1)
        return part


def area_weights(source: int, target: int) -> AxisWeights:
    """Weights of exact averaging, in whole numbers: output i covers [i * source, (i + 1) * source) of pixels of width target."""
    left = np.arange(target, dtype=np.int64) * source
    right = left + source
    first = left // target
    count = int(((right - 1) // target - first).max()) + 1
    indices = first + np.arange(count)[:, None]  # (K, target)
    overlap = np.minimum(right, (indices + 1) * target) - np.maximum(left, indices * target)
    weights = np.maximum(overlap, 0) / source
    return AxisWeights(np.minimum(indices, source - 1), weights)


def linear_weights(source: int, target: int) -> AxisWeights:
    """Weights of linear interpolation at half-pixel centres."""
    position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    first = np.minimum(position.astype(np.intp), max(source - 2, 0))
    after = position - first
    indices = np.stack([first, np.minimum(first + 1, source - 1)])
    return AxisWeights(indices, np.stack([1 - after, after]).astype(np.float32))


def apply_weights(array: np.ndarray, axis_weights: AxisWeights, axis: int) -> np.ndarray:
    """Compute the weighted sums along one axis.

    Term by term, in a fixed order and without BLAS, so that the result has the same bits on any number of threads.
    """
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    shape = [1] * array.ndim
    shape[axis] = -1
    terms = (
        np.multiply(array.take(indices, axis=axis), weights.reshape(shape), dtype=dtype)
        for indices, weights in zip(axis_weights.indices, axis_weights.weights, strict=True)
    )
    total = next(terms)
    for term in terms:
        np.add(total, term, out=total)
    return total


def _resize(array: np.ndarray, size: tuple[int, int], weights_of: Callable[[int, int], AxisWeights]) -> np.ndarray:
    array = unmasked(array)
    width, height = size
    if width < 1 or height < 1:
        raise UserError(f"a size of {width}x{height} pixels is no picture: both numbers must be at least 1.")
    if array.ndim not in (2, 3) or array.size == 0:
        raise UserError(f"an array to resize has the shape (H, W) or (H, W, C), not {array.shape}.")
    for axis, target in ((0, height), (1, width)):
        if array.shape[axis] != target:
            array = apply_weights(array, weights_of(array.shape[axis], target), axis)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
