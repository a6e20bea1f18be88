"""The window matrix: the windows of a block written out as rows, (pixels, kh * kw * C), one row for each output pixel."""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.array_types import Arrays
from minunet.kernels.cpu.padded_crop import padded_crop
from minunet.kernels.cpu.partition import RowBlock, row_blocks
from minunet.kernels.cpu.recorder import do
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.primitives.windows import IntPair, out_size

VALUES_PER_BLOCK = 1 << 19  # of windows; threads whose calls are short wait for each other
FEW_CHANNELS = 8  # with fewer, a row of the image is longer, and so faster to copy, than a row of a window


def window_blocks(images: int, height: int, values_per_row: int) -> tuple[RowBlock, ...]:
    """Blocks of rows of pixels, of about `VALUES_PER_BLOCK` values of windows."""
    return row_blocks(images, height, values_per_row, VALUES_PER_BLOCK)


def window_matrix(
    allocate: Allocate,
    sources: Arrays,
    rows: slice,
    columns: int,
    kernel_size: IntPair,
    stride: IntPair,
    padding: IntPair,
) -> np.ndarray:
    """The windows of the output pixels in some rows and all columns: (pixels, kh * kw * C).

    Parameters
    ----------
    allocate : callable
        Returns scratch buffers.
    sources : sequence of arrays (N, H, W, C_i)
        The images, read as if joined along channels.
    rows : slice
        Rows of the output.
    columns : int
        Width of the output.
    kernel_size, stride : (vertical, horizontal)
    padding : (top, left)
    """
    (kh, kw), (sh, sw) = kernel_size, stride
    top, left = rows.start * sh - padding[0], -padding[1]
    bottom, right = top + (rows.stop - rows.start - 1) * sh + kh, left + (columns - 1) * sw + kw
    crop = padded_crop(allocate, sources, (top, bottom), (left, right))
    if kernel_size == (1, 1) and stride == (1, 1) and crop.flags.c_contiguous:
        return crop.reshape(-1, crop.shape[3])
    if crop.shape[3] < FEW_CHANNELS and sw == 1:
        return _write_transposed(allocate, crop, kernel_size, stride)
    windows = sliding_windows(crop, kernel_size, stride)  # (N, rows, columns, kh, kw * C)
    matrix = allocate(windows.shape, crop.dtype)
    copy_strided(matrix, windows)
    return matrix.reshape(-1, kh * windows.shape[4])


def sliding_windows(images: np.ndarray, kernel_size: IntPair, stride: IntPair) -> np.ndarray:
    """Every window of the images: (N, H, W, C) -> (N, H', W', kh, kw * C), a read-only view in which windows overlap.

    One row of a window, its pixels with their channels, is contiguous.
    """
    (kh, kw), (sh, sw) = kernel_size, stride
    count, height, width, channels = images.shape
    image, row, column, _ = images.strides
    # Not the last stride: where there is one channel it may be anything, and the next value is in the next pixel.
    item = images.itemsize
    shape = (count, *out_size((height, width), kernel_size, stride), kh, kw * channels)
    strides = (image, sh * row, sw * column, row, item)
    return np.lib.stride_tricks.as_strided(images, shape, strides, writeable=False)


def _write_transposed(allocate: Allocate, crop: np.ndarray, kernel_size: IntPair, stride: IntPair) -> np.ndarray:
    """The window matrix of a crop with few channels, written in memory as its transpose.

    The first value of all windows comes first, then the second: each is the image itself, shifted, copied in whole rows.
    """
    images, height, width, channels = crop.shape
    planes = crop.transpose(3, 0, 1, 2)  # (C, N, H, W)
    if channels > 1:
        planes = allocate(planes.shape, crop.dtype)
        do(np.copyto, planes, crop.transpose(3, 0, 1, 2))
    windows = sliding_windows(planes.reshape(channels * images, height, width, 1), kernel_size, stride)
    # (C * N, H', W', kh, kw) -> (kh, kw, C, N, H', W')
    windows = windows.reshape(channels, images, *windows.shape[1:]).transpose(4, 5, 0, 1, 2, 3)
    matrix = allocate(windows.shape, crop.dtype)
    do(np.copyto, matrix, windows)
    return matrix.reshape(channels * kernel_size[0] * kernel_size[1], -1).T
