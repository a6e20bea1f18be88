"""Zero windows: the 3x3 windows of an image that contain nothing but zeros, such as those in a black border.

Their outputs are the bias exactly. Winograd's algorithm computes them from tiles that may contain other values, which then
cancel but for rounding; and the sign of that rest would decide what a ReLU lets through.

To look for them costs little where there are none: every window contains one pixel of a grid of every third pixel in every
third row. Only where the channels of such a pixel have the sum zero all pixels are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.kernels.cpu.partition import RowBlock, parallel_blocks, row_blocks
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE

VALUES_PER_BLOCK = 1 << 19  # of the images


def may_have_zero_windows(sources: Sequence[np.ndarray], origin: tuple[int, int], size: tuple[int, int]) -> bool:
    """False only if no window is zero in all channels of all sources.

    Parameters
    ----------
    sources : sequence of array (images, H, W, C_i)
        Zero outside.
    origin : (int, int)
        The pixel (row, column) where the first window starts, negative inside the padding.
    size : (int, int)
        Rows and columns of windows; each contains at least one pixel of the images.
    """
    with np.errstate(all="ignore"):
        return not any(_pixel_sums(pixels).all() for pixels in grids_of_pixels(sources, origin, size))


def grids_of_pixels(sources: Sequence[np.ndarray], origin: tuple[int, int], size: tuple[int, int]) -> list[np.ndarray]:
    """Of each source a view (images, rows, columns, C_i) of some pixels: every window contains one of them."""
    (top, left), (height, width) = origin, sources[0].shape[1:3]
    rows, columns = _grid(top, size[0], height), _grid(left, size[1], width)
    return [x[:, rows, columns] for x in sources]


def write_to_zero_windows(
    sources: Sequence[np.ndarray], origin: tuple[int, int], y: np.ndarray, values: np.ndarray
) -> None:
    """Set the outputs y (images, rows, columns, O) of all windows that are zero to `values`, (O,)."""
    row_length = sum(x.shape[2] * x.shape[3] for x in sources)

    def work(allocate: Allocate, block: RowBlock) -> None:
        block_sources, outputs = [x[block.images] for x in sources], y[block.index]
        block_origin = origin[0] + block.rows.start, origin[1]
        if may_have_zero_windows(block_sources, block_origin, outputs.shape[1:3]):
            outputs[_zero_windows(allocate, block_sources, block_origin, outputs.shape[1:3])] = values

    parallel_blocks(work, row_blocks(len(y), y.shape[1], row_length, VALUES_PER_BLOCK))


def _zero_windows(
    allocate: Allocate, sources: Sequence[np.ndarray], origin: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Which windows are zero: (images, rows, columns) of bool."""
    pixels_zero = np.ones((len(sources[0]), size[0] + KERNEL_SIZE - 1, size[1] + KERNEL_SIZE - 1), np.bool_)
    # The rows and columns of the windows that are inside the images.
    (top, left), (height, width) = origin, sources[0].shape[1:3]
    rows = slice(max(0, top), min(height, top + pixels_zero.shape[1]))
    columns = slice(max(0, left), min(width, left + pixels_zero.shape[2]))
    inside = pixels_zero[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    for x in sources:
        pixels = x[:, rows, columns]
        absolute = np.abs(pixels, out=allocate(pixels.shape, pixels.dtype))  # so that nothing cancels
        with np.errstate(all="ignore"):
            inside &= _pixel_sums(absolute) == 0
    columns_zero = pixels_zero[:, :-2] & pixels_zero[:, 1:-1] & pixels_zero[:, 2:]
    return columns_zero[:, :, :-2] & columns_zero[:, :, 1:-1] & columns_zero[:, :, 2:]


def _grid(start: int, count: int, size: int) -> slice:
    """Pixels along one side such that each of `count` windows, of which the first begins at `start`, contains one of them."""
    first, last = (
        start + KERNEL_SIZE - 1,
        start + count - 1,
    )  # the last pixel of the first window, the first of the last
    for step in range(KERNEL_SIZE, 1, -1):
        for begin in range(max(0, start), min(first, size - 1) + 1):
            if begin + (size - 1 - begin) // step * step >= last:
                return slice(begin, min(size, last + KERNEL_SIZE), step)
    return slice(max(0, start), min(size, last + KERNEL_SIZE))


def add_channels(pixels: np.ndarray, ones: np.ndarray, sums: np.ndarray) -> None:
    """Write the sum of the channels of every pixel (images, rows, columns, C) to `sums`; `ones` is an array (C,) of them."""
    with np.errstate(all="ignore"):
        np.matmul(pixels, ones, sums)


def _pixel_sums(pixels: np.ndarray) -> np.ndarray:
    """The sum of the channels of every pixel: (images, rows, columns, C) -> (images, rows, columns)."""
    if pixels.shape[3] == 1:
        return pixels[..., 0]
    return np.matmul(pixels, np.ones(pixels.shape[3], pixels.dtype))
