"""Lines of pixels, every third of which makes a matrix of windows as it lies: nothing has to be written out.

A window of three neighbours with their channels is 3 * C values in a row, and the next window starts C further on. Both
are in memory already, but no BLAS takes a matrix whose rows overlap. Every third window follows where the one before
ends: the windows from pixel 0, 3, 6, ... are the rows of one matrix (pixels / 3, 3 * C), those from 1, 4, 7, ... of a
second, those from 2, 5, 8, ... of a third.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.scratch import Take
from minunet.kernels.cpu.winograd.matrices import KERNEL

Shape = tuple[int, int, int]  # tile rows, images, pixels across


class Lines:
    """Room for rows of pixels at n points; a row of tiles of one image is a line.

    A line has some pixels more than an image across, at least two, so that windows do not see the next line's pixels. What
    lies beyond the image's width is zero at first, the rest unwritten.

    Attributes
    ----------
    windows : array (n, 3, pixels / 3, 3 * C)
        The windows that start at every third pixel, from pixel 0, 1 and 2; they overlap.
    thirds : array (n, 3, pixels / 3, C)
        The single pixels in the same order.
    rows : array (tile rows, images, n, width * C)
        The first `width` pixels of every line, each line as one long row.
    """

    def __init__(self, take: Take, n: int, shape: Shape, channels: int, dtype: np.dtype):
        rows, images, width = shape
        self._shape, self._n, self._pitch = shape, n, -(-(width + KERNEL - 1) // KERNEL) * KERNEL
        self.pixels = rows * images * self._pitch
        beyond = KERNEL - 1  # pixels behind the last line, which its last windows reach
        self._memory = take((n, self.pixels + beyond, channels), dtype)
        self.first(self._pitch)[:, :, :, width:] = 0
        self._memory[:, self.pixels :] = 0
        point, pixel, item = self._memory.strides

        def view(shape: tuple[int, ...], *strides: int) -> np.ndarray:
            return np.ndarray(shape, dtype, self._memory, 0, (*strides, item))

        third, line = self.pixels // KERNEL, self._pitch * pixel
        self.windows = view((n, KERNEL, third, KERNEL * channels), point, pixel, KERNEL * pixel)
        self.thirds = view((n, KERNEL, third, channels), point, pixel, KERNEL * pixel)
        self.rows = view((rows, images, n, width * channels), images * line, line, point)

    def first(self, columns: int) -> np.ndarray:
        """The first pixels of every line: (n, tile rows, images, columns, C)."""
        rows, images, _ = self._shape
        lines = self._memory[:, : self.pixels].reshape(self._n, rows, images, self._pitch, -1)
        return lines[:, :, :, :columns]

    def at(self, point: int) -> np.ndarray:
        """All pixels at one point, (pixels, C)."""
        return self._memory[point, : self.pixels]
