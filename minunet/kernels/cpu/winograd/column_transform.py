"""The vertical half of a transform: columns of pixels to points, and columns of products back, as the pixels lie.

Columns and channels stay in their order, so that a row of pixels is one long row of the product.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.matmul import run, transform


class ToPoints:
    """A matrix (n, span) times the columns of windows, read straight from images.

    Parameters
    ----------
    matrix : array (n, span)
        B^T for windows, A for tiles.
    m : int
        A window starts every m pixels.
    half : array (n, tile rows, images, width, C)
        Where the result goes. Its last two axes lie together in memory.
    image_width : int
        Of the images that are read; they are zero outside.
    left : int
        The column where the first window starts, negative inside the padding.
    """

    def __init__(self, matrix: np.ndarray, m: int, half: np.ndarray, image_width: int, left: int):
        n, rows, images, width, channels = half.shape
        self._matrix, self._m, self._shape = matrix, m, (rows, images)
        start = min(width, max(0, -left))
        inside = slice(start, max(start, min(width, image_width - left)))
        self._columns = slice(left + inside.start, left + inside.stop)
        self._length = (inside.stop - inside.start) * channels
        for margin in (slice(0, inside.start), slice(inside.stop, width)):
            if margin.start < margin.stop:
                half[:, :, :, margin] = 0
        if self._length:
            # (n, rows, images, columns, C) -> (rows, images, n, columns * C)
            part = half[:, :, :, inside].reshape(n, rows, images, self._length)
            self._target = part.transpose(1, 2, 0, 3)

    def load(self, source: np.ndarray, top: int) -> None:
        """Transform C-contiguous images (N, H, image width, C). The first window starts at row `top`, or -top above them."""
        if not self._length:
            return
        (rows, images), m, span = self._shape, self._m, self._matrix.shape[1]
        _, height, image_width, channels = source.shape
        # Tile rows whose windows lie inside the image: top + m t >= 0 and top + m t + span <= height.
        first = min(rows, max(0, -(top // m)))
        last = max(first, min(rows, (height - span - top) // m + 1))
        if last > first:
            item = source.itemsize
            row = image_width * channels * item
            start = (top + m * first) * row + self._columns.start * channels * item  # of the first window, in bytes
            # (rows, images, span, columns * C): the windows' rows of pixels overlap
            shape, strides = (last - first, images, span, self._length), (m * row, height * row, row, item)
            windows = np.ndarray(shape, source.dtype, source, start, strides)
            run(transform(self._matrix, windows, self._target[first:last]))
        if last - first < rows:
            seen = source[:, :, self._columns]  # (images, H, columns, C)
            for tile in (*range(first), *range(last, rows)):
                self._load_border(seen, top + m * tile, self._target[tile])

    def _load_border(self, seen: np.ndarray, start: int, target: np.ndarray) -> None:
        """One row of tiles at the border: the columns of the matrix that meet pixels."""
        span, height = self._matrix.shape[1], seen.shape[1]
        reach = slice(min(span, max(0, -start)), max(0, min(span, height - start)))
        if reach.stop <= reach.start:
            target[...] = 0
            return
        # (images, pixels of the window, columns, C) -> (images, pixels of the window, columns * C)
        pixels = seen[:, start + reach.start : start + reach.stop].reshape(len(seen), -1, self._length)
        run(transform(np.ascontiguousarray(self._matrix[:, reach]), pixels, target))


def to_pixels(matrix: np.ndarray, points: np.ndarray, target: np.ndarray, first_row: int) -> np.ndarray:
    """A^T M: rows of tiles at the points (tile rows, images, n, W * C) to pixels of C-contiguous images (N, H, W, C).

    The first row of tiles is number `first_row` of the image; what lies beyond the image is left out. Returns the
    pixels that it wrote, (N, rows, W * C).
    """
    m = matrix.shape[0]
    images, height, width, channels = target.shape
    rows, start = len(points), m * first_row
    written = target.reshape(images, height, width * channels)[:, start : start + m * rows]
    whole = min(rows, height // m - first_row)
    if whole:
        # (images, rows * m, W * C) -> (rows, images, m, W * C)
        pixels = written[:, : m * whole].reshape(images, whole, m, -1).transpose(1, 0, 2, 3)
        run(transform(matrix, points[:whole], pixels))
    if whole < rows:  # the last row of tiles reaches beyond the image
        rest = written[:, m * whole :]
        run(transform(matrix[: rest.shape[1]], points[whole], rest))
    return written
