"""The transforms in two dimensions: from the windows of an image to their points, and from products back to tiles.

Both are done for a band of points at a time, so that what a matrix product reads and writes is still in the cache. On the
way, pixels are sorted by their column within the tile, so that every transform is a product with few, long rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

import numpy as np

from minunet.kernels.cpu.array_types import Arrays
from minunet.kernels.cpu.epilogue import zeros
from minunet.kernels.cpu.matmul import RecordedCall, record_transform
from minunet.kernels.cpu.recorder import maximum
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.strided_copy import as_items
from minunet.kernels.cpu.winograd.column_transform import ColumnTransform
from minunet.kernels.cpu.winograd.matrices import WinogradMatrices

# Rows of 2^k bytes share the same few sets of the cache and evict each other; a little padding spreads them.
ROW_PADDING = 16  # values

BlockShape = tuple[int, int, int]  # of a block: tile rows, images, tile columns


class InputTransform:
    """B^T d B for the windows d of a block, or A x A^T for its tiles x: (span, span) pixels to (n, n) points each.

    Parameters
    ----------
    allocate : callable
        Returns scratch buffers.
    matrix : array (n, span)
        B^T for windows (span n), A for tiles (span m).
    m : int
        A window starts every m pixels.
    shape : (tile rows, images, tile columns)
        Of the blocks.
    channels : sequence of int
        Channels of each source; the sources are read as if joined along channels.
    band : int
        Rows of points in a band.

    Attributes
    ----------
    points : array (band, n, tiles, C)
        The points of a band, after its recorded calls.
    memory : array (values,)
        Of what was loaded; once the points of all bands are computed it may be used for something else, until `load`.
    """

    def __init__(
        self, allocate: Allocate, matrix: np.ndarray, m: int, shape: BlockShape, channels: Sequence[int], band: int
    ):
        n, span = matrix.shape
        self._matrix, self._m, self._shape = matrix, m, shape
        rows, images, columns = shape
        width = m * columns + span - m  # columns of pixels under the windows
        shapes = [(n, rows, images, width, count) for count in channels]
        starts = list(
            accumulate((math.prod(s) // ROW_PADDING * ROW_PADDING + 2 * ROW_PADDING for s in shapes), initial=0)
        )
        self.memory = allocate((starts[-1],), matrix.dtype)
        self._columns = [
            self.memory[start : start + math.prod(s)].reshape(s) for start, s in zip(starts, shapes, strict=False)
        ]
        length = rows * images * columns * sum(channels)
        self._sorted = allocate((band, span, length + ROW_PADDING), matrix.dtype)[..., :length]
        self._flat = allocate((band, n, length + ROW_PADDING), matrix.dtype)[..., :length]
        self.points = self._flat.reshape(band, n, -1, sum(channels))

    def load(self, sources: Arrays, top: int, left: int) -> None:
        """Transform the columns of C-contiguous arrays (images, H, W, C_i), which are zero outside.

        (top, left) is the pixel where the first window starts; negative inside the padding.
        """
        for source, columns in zip(sources, self._columns, strict=True):
            ColumnTransform(self._matrix, self._m, columns, source.shape[2], left).apply(source, top)

    def record_band(self, rows: slice, out: np.ndarray | None = None) -> list[RecordedCall]:
        """Calls that transform the rows of what was loaded, for a band of points, into `points` or `out` of its shape."""
        calls: list[RecordedCall] = []
        by_column = self._sorted.reshape(*self._sorted.shape[:2], *self._shape, -1)
        first = 0
        for columns in self._columns:
            last = first + columns.shape[-1]
            windows = _window_columns(columns[rows], self._sorted.shape[1], self._m, self._shape[2])
            calls.append(partial(np.copyto, *as_items(by_column[..., first:last], windows)))
            first = last
        points = self._flat if out is None else out.reshape(*out.shape[:2], -1)
        # (n, span) @ (band, span, tiles * C) -> (band, n, tiles * C)
        return calls + record_transform(self._matrix, self._sorted, points)


def _window_columns(pixels: np.ndarray, span: int, m: int, columns: int) -> np.ndarray:
    """Columns of pixels, sorted by their place in the window: the first column of every window, then the second, and so on.

    (band, rows, images, width, C) -> (band, span, rows, images, columns, C), a view in which windows overlap.
    """
    band, rows, images, _, channels = pixels.shape
    point, row, image, column, item = pixels.strides
    shape = (band, span, rows, images, columns, channels)
    return np.ndarray(shape, pixels.dtype, pixels, 0, (point, column, row, image, m * column, item))


class OutputTransform:
    """A^T M A: from products at the (n, n) points, which come band by band, to tiles of (m, m) outputs.

    Parameters
    ----------
    allocate : callable
        Returns scratch buffers.
    matrices : WinogradMatrices
    shape : (tile rows, images, tile columns)
        Of the blocks.
    channels : int
    memory : array (values,), optional
        For the outputs, where it is large enough: something that nobody needs any more when the products are complete.

    Attributes
    ----------
    tiles : array (m across, m down, tile rows, images, tile columns, C)
        The outputs, after the recorded calls of all bands and then those of `record_finish`.
    half : array
        What was computed of the products so far; before the first of them the memory may be used for something else.
    """

    def __init__(
        self,
        allocate: Allocate,
        matrices: WinogradMatrices,
        shape: BlockShape,
        channels: int,
        memory: np.ndarray | None = None,
    ):
        m, n, dtype = matrices.m, matrices.n, matrices.output.dtype
        length = shape[0] * shape[1] * shape[2] * channels
        self._matrix = matrices.output
        self.half = allocate((m, n, length + ROW_PADDING), dtype)
        self._half = self.half[:, :, :length]
        if memory is not None and memory.size >= m * m * length:
            self._flat = memory[: m * m * length].reshape(m, m, length)
        else:
            self._flat = allocate((m, m, length), dtype)
        self.tiles = self._flat.reshape(m, m, *shape, channels)

    def record_band(self, rows: slice, products: np.ndarray) -> list[RecordedCall]:
        """Calls that transform the rows of a band: (m, n) @ (band, n, tiles * C) -> (band, m, tiles * C)."""
        flat = products.reshape(*products.shape[:2], -1)
        return record_transform(self._matrix, flat, self._half[:, rows].transpose(1, 0, 2))

    def record_finish(self) -> list[RecordedCall]:
        """Calls that transform the columns: (m, n) @ (m across, n, tiles * C) -> (m across, m down, tiles * C)."""
        return record_transform(self._matrix, self._half, self._flat)

    def record_relu(self, allocate: Allocate) -> list[RecordedCall]:
        """Calls for tiles = max(tiles, 0)."""
        row = zeros(allocate, self._flat.shape[2], self._flat.dtype)
        return [partial(maximum, self._flat, row, self._flat)]
