"""The transform in one dimension, down the columns: from rows of pixels to points, and from points back to rows of pixels.

Columns and channels stay in their order, so that a whole row of pixels is one row of a matrix product.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.matmul import record_transform, replay
from minunet.kernels.cpu.recorder import clear


class ColumnTransform:
    """A matrix (n, span) times the columns of windows, which are read in place from images.

    Parameters
    ----------
    matrix : array (n, span)
        B^T for windows, A for tiles.
    m : int
        A window starts every m pixels.
    points : array (n, tile rows, images, width, C)
        Where the result is written. Its last two axes are contiguous.
    image_width : int
        Of the images that are read; they are zero outside.
    left : int
        The column where the first window starts, negative inside the padding.
    """

    def __init__(self, matrix: np.ndarray, m: int, points: np.ndarray, image_width: int, left: int):
        n, rows, images, width, channels = points.shape
        self._matrix, self._m, self._shape = matrix, m, (rows, images)
        start = min(width, max(0, -left))
        inside = slice(start, max(start, min(width, image_width - left)))
        self._columns = slice(left + inside.start, left + inside.stop)
        self._length = (inside.stop - inside.start) * channels
        for margin in (slice(0, inside.start), slice(inside.stop, width)):
            if margin.start < margin.stop:
                clear(points[:, :, :, margin])
        if self._length:
            # (n, rows, images, columns, C) -> (rows, images, n, columns * C)
            part = points[:, :, :, inside].reshape(n, rows, images, self._length)
            self._target = part.transpose(1, 2, 0, 3)

    def apply(self, source: np.ndarray, top: int) -> None:
        """Transform C-contiguous images (N, H, image width, C). The first window starts at row `top`, negative in the padding."""
        if not self._length:
            return
        (rows, images), m, span = self._shape, self._m, self._matrix.shape[1]
        _, height, image_width, channels = source.shape
        # Tile rows whose windows are inside the image: top + m t >= 0 and top + m t + span <= height.
        first = min(rows, max(0, -(top // m)))
        last = max(first, min(rows, (height - span - top) // m + 1))
        if last > first:
            item = source.itemsize
            row = image_width * channels * item
            start = (top + m * first) * row + self._columns.start * channels * item  # of the first window, in bytes
            # (rows, images, span, columns * C): the windows' rows of pixels overlap
            shape, strides = (last - first, images, span, self._length), (m * row, height * row, row, item)
            windows = np.ndarray(shape, source.dtype, source, start, strides)
            replay(record_transform(self._matrix, windows, self._target[first:last]))
        if last - first < rows:
            columns = source[:, :, self._columns]  # (images, H, columns, C)
            for tile_row in (*range(first), *range(last, rows)):
                self._apply_at_border(columns, top + m * tile_row, self._target[tile_row])

    def _apply_at_border(self, columns: np.ndarray, start: int, target: np.ndarray) -> None:
        """One row of tiles at the border: only the columns of the matrix that meet pixels."""
        span, height = self._matrix.shape[1], columns.shape[1]
        inside = slice(min(span, max(0, -start)), max(0, min(span, height - start)))
        if inside.stop <= inside.start:
            clear(target)
            return
        # (images, pixels of the window, columns, C) -> (images, pixels of the window, columns * C)
        pixels = columns[:, start + inside.start : start + inside.stop].reshape(len(columns), -1, self._length)
        replay(record_transform(np.ascontiguousarray(self._matrix[:, inside]), pixels, target))


def inverse_column_transform(matrix: np.ndarray, points: np.ndarray, target: np.ndarray, first_row: int) -> np.ndarray:
    """A^T M: from rows of tiles at the points to rows of pixels.

    Parameters
    ----------
    matrix : array (m, n)
        A^T.
    points : array (tile rows, images, n, W * C)
    target : array (N, H, W, C), C-contiguous
        Where the pixels are written; those beyond the image are left out.
    first_row : int
        The number of the first tile row in the image.

    Returns
    -------
    array (N, rows, W * C)
        The pixels that were written, a view of `target`.
    """
    m = matrix.shape[0]
    images, height, width, channels = target.shape
    rows, start = len(points), m * first_row
    written = target.reshape(images, height, width * channels)[:, start : start + m * rows]
    whole = min(rows, height // m - first_row)
    if whole:
        # (images, rows * m, W * C) -> (rows, images, m, W * C)
        pixels = written[:, : m * whole].reshape(images, whole, m, -1).transpose(1, 0, 2, 3)
        replay(record_transform(matrix, points[:whole], pixels))
    if whole < rows:  # the last row of tiles reaches beyond the image
        rest = written[:, m * whole :]
        replay(record_transform(matrix[: rest.shape[1]], points[whole], rest))
    return written
