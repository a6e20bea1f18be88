"""How images divide into tiles: chunks of tiles that fit the cache, and the way of finished tiles into the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.kernels.cpu.partition import even_parts
from minunet.kernels.cpu.strided_copy import copy_runs


@dataclass(frozen=True)
class Chunk:
    """A block of tiles: the same tile rows and tile columns of several images. Its tiles run (row, image, column)."""

    images: slice
    first_row: int
    rows: int
    first_column: int
    columns: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tile rows, images, tile columns."""
        return self.rows, self.images.stop - self.images.start, self.columns

    @property
    def tile_count(self) -> int:
        """Tiles in the block."""
        rows, images, columns = self.shape
        return rows * images * columns

    def origin(self, m: int, before: tuple[int, int]) -> tuple[int, int]:
        """The pixel where the first window starts, negative inside the padding, when `before` pixels come first."""
        return m * self.first_row - before[0], m * self.first_column - before[1]

    def split_rows(self, tiles: int) -> list[tuple[slice, Chunk]]:
        """Chunks of whole tile rows, about `tiles` tiles each, with their places among this chunk's tiles."""
        per_row = self.tile_count // self.rows
        return [
            (
                slice(start * per_row, (start + count) * per_row),
                Chunk(self.images, self.first_row + start, count, self.first_column, self.columns),
            )
            for start, count in even_parts(self.rows, round(tiles / per_row))
        ]


def divide(images: int, size: tuple[int, int], m: int, tiles: int) -> list[Chunk]:
    """Cut images of `size` (height, width) into chunks of about `tiles` tiles of m x m, the last tiles of a side cropped.

    Whole rows of tiles first, then several rows, because the rows of pixels where two windows overlap are then
    transformed once; small images go together.
    """
    tile_rows, tile_columns = -(-size[0] // m), -(-size[1] // m)
    columns = even_parts(tile_columns, tiles)
    across = max(count for _, count in columns)
    rows = even_parts(tile_rows, round(tiles / across))
    together = even_parts(images, round(tiles / (across * max(count for _, count in rows))))
    return [
        Chunk(slice(image, image + image_count), row, row_count, column, column_count)
        for image, image_count in together
        for row, row_count in rows
        for column, column_count in columns
    ]


def send_home(tiles: np.ndarray, target: np.ndarray, chunk: Chunk, m: int) -> None:
    """Write a chunk's tiles to the images, leaving out what lies beyond the border.

    tiles : (m across, m down, tile rows, images, tile columns, C): the place in the tile first, then the tile.
    target : (N, H, W, C)
    """
    images = target[chunk.images]
    for row, row_count, height in _whole_and_cut(chunk.first_row, chunk.rows, m, target.shape[1]):
        for column, column_count, width in _whole_and_cut(chunk.first_column, chunk.columns, m, target.shape[2]):
            y, x = m * row, m * column
            pixels = images[:, y : y + row_count * height, x : x + column_count * width]
            # (N, rows * height, columns * width, C) -> (N, rows, height, columns, width, C)
            pixels = pixels.reshape(len(pixels), row_count, height, column_count, width, target.shape[3])
            row_part = slice(row - chunk.first_row, row - chunk.first_row + row_count)
            column_part = slice(column - chunk.first_column, column - chunk.first_column + column_count)
            # -> (width, height, rows, N, columns, C)
            copy_runs(pixels.transpose(4, 2, 1, 0, 3, 5), tiles[:width, :height, row_part, :, column_part])


def _whole_and_cut(first: int, count: int, m: int, size: int) -> list[tuple[int, int, int]]:
    """Tiles first .. first + count along one side as (first, count, pixels of each): the whole ones, then the cut one."""
    whole = min(count, size // m - first)
    parts = [(first, whole, m)] if whole > 0 else []
    if whole < count:
        parts.append((first + whole, 1, size % m))
    return parts
