"""Rows of pixels in which the windows of three neighbours are matrices for the BLAS as they are stored, without a copy.

A window of three neighbours with their channels is 3 * C contiguous values, and the next window starts C values later. No
BLAS takes a matrix whose rows overlap, but every third window starts where the one before ends: the windows from pixel
0, 3, 6, ... are the rows of one matrix (pixels / 3, 3 * C), those from 1, 4, 7, ... of a second, and those from
2, 5, 8, ... of a third.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.recorder import clear
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.winograd.matrices import KERNEL_SIZE

RowsShape = tuple[int, int, int]  # tile rows, images, pixels across


class OverlappingRows:
    """A buffer for rows of pixels at n points, one for each tile row of each image.

    A row has some pixels more than an image is wide, at least two, so that no window reaches into the next row. These are
    zero at first, the others uninitialised.

    Attributes
    ----------
    windows : array (n, 3, pixels / 3, 3 * C)
        The windows that start at every third pixel, from pixel 0, 1 and 2; they overlap.
    pixels_by_third : array (n, 3, pixels / 3, C)
        Single pixels in the same order.
    rows : array (tile rows, images, n, width * C)
        The first `width` pixels of every row as one long row.
    """

    def __init__(self, allocate: Allocate, n: int, shape: RowsShape, channels: int, dtype: np.dtype):
        rows, images, width = shape
        self._shape, self._n = shape, n
        self._row_length = -(-(width + KERNEL_SIZE - 1) // KERNEL_SIZE) * KERNEL_SIZE  # pixels
        self._pixels = rows * images * self._row_length
        after = KERNEL_SIZE - 1  # pixels behind the last row, which its last windows reach
        self._memory = allocate((n, self._pixels + after, channels), dtype)
        clear(self.first_pixels(self._row_length)[:, :, :, width:])
        clear(self._memory[:, self._pixels :])
        point, pixel, item = self._memory.strides

        def view(shape: tuple[int, ...], *strides: int) -> np.ndarray:
            return np.ndarray(shape, dtype, self._memory, 0, (*strides, item))

        third, row = self._pixels // KERNEL_SIZE, self._row_length * pixel
        self.windows = view((n, KERNEL_SIZE, third, KERNEL_SIZE * channels), point, pixel, KERNEL_SIZE * pixel)
        self.pixels_by_third = view((n, KERNEL_SIZE, third, channels), point, pixel, KERNEL_SIZE * pixel)
        self.rows = view((rows, images, n, width * channels), images * row, row, point)

    def first_pixels(self, count: int) -> np.ndarray:
        """The first pixels of every row: (n, tile rows, images, count, C)."""
        rows, images, _ = self._shape
        all_rows = self._memory[:, : self._pixels].reshape(self._n, rows, images, self._row_length, -1)
        return all_rows[:, :, :, :count]

    def at_point(self, point: int) -> np.ndarray:
        """All pixels at one point, (pixels, C)."""
        return self._memory[point, : self._pixels]
