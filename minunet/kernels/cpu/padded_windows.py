"""Pieces of images with zeros around them, the windows in them, and gradients that a fused ReLU has stopped in part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu.scratch import Take
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.primitives import out_size


def padded(take: Take, sources: Sequence[np.ndarray], rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Rows and columns (from, to) of images (N, H, W, C_i) joined along channels, zero where they lie outside.

    A view where one source holds it all, else a copy in working memory: (N, rows, columns, C).
    """
    images, height, width, _ = sources[0].shape
    (top, bottom), (left, right) = rows, columns
    if len(sources) == 1 and min(top, left) >= 0 and bottom <= height and right <= width:
        return sources[0][:, top:bottom, left:right]
    channels = sum(source.shape[3] for source in sources)
    piece = take((images, bottom - top, right - left, channels), sources[0].dtype)
    above, below = _inside(top, bottom, height)
    before, after = _inside(left, right, width)
    piece[:, :above] = 0
    piece[:, below:] = 0
    if above < below:
        piece[:, above:below, :before] = 0
        piece[:, above:below, after:] = 0
        first = 0
        for source in sources:
            last = first + source.shape[3]
            pixels = source[:, top + above : top + below, left + before : left + after]
            copy_runs(piece[:, above:below, before:after, first:last], pixels)
            first = last
    return piece


def _inside(start: int, stop: int, size: int) -> tuple[int, int]:
    """The part of start .. stop that lies in 0 .. size, counted from start."""
    first = min(stop - start, max(0, -start))
    return first, max(first, min(stop - start, size - start))


def windows(piece: np.ndarray, kernel_size: tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    """Every window of a piece: (N, H, W, C) -> (N, H', W', kh, kw * C), a read-only view in which windows overlap.

    The columns of a window's row, with their channels, are one contiguous run.
    """
    (kh, kw), (sh, sw) = kernel_size, stride
    images, height, width, channels = piece.shape
    image, row, column, item = piece.strides
    shape = (images, *out_size((height, width), kernel_size, stride), kh, kw * channels)
    strides = (image, sh * row, sw * column, row, item)
    return np.lib.stride_tricks.as_strided(piece, shape, strides, writeable=False)


def masked(take: Take, gradient: np.ndarray, output: np.ndarray | None) -> np.ndarray:
    """The gradient where a fused ReLU let something through (output > 0), else 0; `output` None means no ReLU."""
    if output is None:
        return gradient
    stopped = take(gradient.shape, gradient.dtype)
    passes = take(gradient.shape, np.bool_)
    np.greater(output, 0, out=passes)
    with np.errstate(invalid="ignore"):
        np.multiply(gradient, passes, out=stopped)
    flat = stopped.reshape(-1)
    # Infinity times 0 is NaN, and must not pass either. Such a gradient shows in one cheap sum; a selection is slow.
    if not np.isfinite(flat.dot(flat)):
        stopped[~passes] = 0
    return stopped
