"""The ways between pixels and points: windows of an image to their values at the points, products back to tiles.

Both go a band of rows of points at a time, so that what a product reads and writes is still in the cache. Columns are sorted
by their place in the tile on the way, so that every transform is a product with one long row per place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from minunet.kernels.cpu.matmul import Step, transform
from minunet.kernels.cpu.scratch import Take
from minunet.kernels.cpu.strided_copy import as_runs
from minunet.kernels.cpu.winograd.column_transform import ToPoints
from minunet.kernels.cpu.winograd.matrices import Transforms

# Rows of 2^k bytes fall into the same few sets of the cache and evict each other; a little padding spreads them.
ROW_PADDING = 16

Shape = tuple[int, int, int]  # of a chunk: tile rows, images, tile columns


class InputPoints:
    """B^T d B for the windows d of a chunk, or A x A^T for its tiles x: (span, span) pixels to (n, n) points each.

    Parameters
    ----------
    take : callable
        Gives working memory, see `scratch`.
    matrix : array (n, span)
        B^T for windows (span n), A for tiles (span m).
    m : int
        A window starts every m pixels.
    shape : (tile rows, images, tile columns)
        Of the chunks.
    channels : sequence of int
        Channels of each source; the sources are read as if joined along channels.
    band : int
        Rows of points at a time.

    Attributes
    ----------
    points : array (band, n, tiles, C)
        A band of rows of points, once its steps have run.
    """

    def __init__(self, take: Take, matrix: np.ndarray, m: int, shape: Shape, channels: Sequence[int], band: int):
        n, span = matrix.shape
        self._matrix, self._m, self._shape = matrix, m, shape
        rows, images, columns = shape
        width = m * columns + span - m  # columns of pixels under the windows
        self._halves = [take((n, rows, images, width, count), matrix.dtype) for count in channels]
        length = rows * images * columns * sum(channels)
        self._sorted = take((band, span, length + ROW_PADDING), matrix.dtype)[..., :length]
        self._flat = take((band, n, length + ROW_PADDING), matrix.dtype)[..., :length]
        self.points = self._flat.reshape(band, n, -1, sum(channels))

    def load(self, sources: Sequence[np.ndarray], top: int, left: int) -> None:
        """The vertical half, for C-contiguous arrays (images, H, W, C_i) that are zero outside.

        (top, left) is the pixel where the first window starts; negative inside the padding.
        """
        for source, half in zip(sources, self._halves, strict=True):
            ToPoints(self._matrix, self._m, half, source.shape[2], left).load(source, top)

    def band_steps(self, rows: slice, out: np.ndarray | None = None) -> list[Step]:
        """Steps that fill `points`, or `out` of its shape, with some rows of the points of what was loaded."""
        steps: list[Step] = []
        by_place = self._sorted.reshape(*self._sorted.shape[:2], *self._shape, -1)
        first = 0
        for half in self._halves:
            last = first + half.shape[-1]
            windows = _window_columns(half[rows], self._sorted.shape[1], self._m, self._shape[2])
            steps.append(partial(np.copyto, *as_runs(by_place[..., first:last], windows)))
            first = last
        points = self._flat if out is None else out.reshape(*out.shape[:2], -1)
        # (n, span) @ (band, span, tiles * C) -> (band, n, tiles * C)
        return steps + transform(self._matrix, self._sorted, points)


def _window_columns(pixels: np.ndarray, span: int, m: int, columns: int) -> np.ndarray:
    """Columns of pixels by their place in the window: the first column of every window, then the second, and so on.

    (band, rows, images, width, C) -> (band, span, rows, images, columns, C), a view in which windows overlap.
    """
    band, rows, images, _, channels = pixels.shape
    point, row, image, column, item = pixels.strides
    shape = (band, span, rows, images, columns, channels)
    return np.ndarray(shape, pixels.dtype, pixels, 0, (point, column, row, image, m * column, item))


class OutputTiles:
    """A^T M A: products at the (n, n) points come in by bands of rows, (m, m) tiles of outputs are there at the end.

    Attributes
    ----------
    tiles : array (m across, m down, tile rows, images, tile columns, C)
        The outputs, once the steps of all bands and then those of `finish` have run.
    flat : array (m, m, tiles * C)
        The same memory.
    """

    def __init__(self, take: Take, t: Transforms, shape: Shape, channels: int):
        length = shape[0] * shape[1] * shape[2] * channels
        self._matrix = t.output
        self._half = take((t.m, t.n, length + ROW_PADDING), t.output.dtype)[:, :, :length]
        self.flat = take((t.m, t.m, length), t.output.dtype)
        self.tiles = self.flat.reshape(t.m, t.m, *shape, channels)

    def band_steps(self, rows: slice, products: np.ndarray) -> list[Step]:
        """The horizontal half for some rows of points: (m, n) @ (band, n, tiles * C) -> (band, m, tiles * C)."""
        flat = products.reshape(*products.shape[:2], -1)
        return transform(self._matrix, flat, self._half[:, rows].transpose(1, 0, 2))

    def finish(self) -> list[Step]:
        """The vertical half: (m, n) @ (m across, n, tiles * C) -> (m across, m down, tiles * C)."""
        return transform(self._matrix, self._half, self.flat)

    def rectify(self, take: Take) -> Step:
        """A step for max(outputs, 0). Against an array of zeros np.maximum is twice as fast as against a number."""
        zeros = take(self.flat.shape[-1:], self.flat.dtype)
        zeros[:] = 0
        return partial(np.maximum, self.flat, zeros, out=self.flat)
