"""How images are cut into blocks of tiles that fit the cache, and how finished tiles are written to the image."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minunet.kernels.cpu.partition import even_slices, row_blocks
from minunet.kernels.cpu.strided_copy import copy_strided


class TileBlock(NamedTuple):
    """The same tile rows and tile columns of several images. Its tiles are ordered by (row, image, column)."""

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

    def origin(self, m: int, padding: tuple[int, int]) -> tuple[int, int]:
        """The pixel (row, column) where the first window starts, negative inside the padding (top, left)."""
        return m * self.first_row - padding[0], m * self.first_column - padding[1]

    def split_rows(self, tiles: int) -> list[tuple[slice, TileBlock]]:
        """Blocks of whole tile rows, about `tiles` tiles each, and for each the slice of this block's tiles that it has."""
        per_row = self.tile_count // self.rows
        return [
            (
                slice(rows.start * per_row, rows.stop * per_row),
                TileBlock(
                    self.images, self.first_row + rows.start, rows.stop - rows.start, self.first_column, self.columns
                ),
            )
            for rows in even_slices(self.rows, round(tiles / per_row))
        ]


@lru_cache(maxsize=1024)
def tile_blocks(images: int, size: tuple[int, int], m: int, tiles: int) -> tuple[TileBlock, ...]:
    """Cut images of `size` (height, width) into blocks of about `tiles` tiles of m x m, the last tiles of a side cropped.

    A block is as wide as possible, and then as high as possible, because rows of pixels where the windows of a block
    overlap are transformed only once. Small images are put together in one block.
    """
    tile_rows, tile_columns = -(-size[0] // m), -(-size[1] // m)
    columns = even_slices(tile_columns, tiles)
    widest = max(part.stop - part.start for part in columns)
    rows = even_slices(tile_rows, round(tiles / widest))
    highest = max(part.stop - part.start for part in rows)
    image_slices = even_slices(images, round(tiles / (widest * highest)))
    return tuple(
        TileBlock(images, row.start, row.stop - row.start, column.start, column.stop - column.start)
        for images in image_slices
        for row in rows
        for column in columns
    )


def strips(images: int, size: tuple[int, int], m: int, channels: int, values: int) -> list[TileBlock]:
    """Cut images of `size` (height, width) into strips: blocks of tile rows, m pixels high, over the whole width.

    A strip has about `values` values at all m + 2 points, with so many channels.
    """
    height, width = size
    return [
        TileBlock(block.images, block.rows.start, block.row_count, 0, -(-width // m))
        for block in row_blocks(images, -(-height // m), (m + 2) * width * channels, values)
    ]


def write_tiles(tiles: np.ndarray, target: np.ndarray, block: TileBlock, m: int) -> None:
    """Write the tiles of a block to the images, without the pixels beyond the border.

    Parameters
    ----------
    tiles : array (m across, m down, tile rows, images, tile columns, C)
        The pixel within the tile comes first, then the tile.
    target : array (N, H, W, C)
    block : TileBlock
    m : int
    """
    images = target[block.images]
    for row, row_count, height in _whole_and_cropped(block.first_row, block.rows, m, target.shape[1]):
        for column, column_count, width in _whole_and_cropped(block.first_column, block.columns, m, target.shape[2]):
            y, x = m * row, m * column
            pixels = images[:, y : y + row_count * height, x : x + column_count * width]
            # (N, rows * height, columns * width, C) -> (N, rows, height, columns, width, C)
            pixels = pixels.reshape(len(pixels), row_count, height, column_count, width, target.shape[3])
            tile_rows = slice(row - block.first_row, row - block.first_row + row_count)
            tile_columns = slice(column - block.first_column, column - block.first_column + column_count)
            # -> (width, height, rows, N, columns, C)
            copy_strided(pixels.transpose(4, 2, 1, 0, 3, 5), tiles[:width, :height, tile_rows, :, tile_columns])


@lru_cache(maxsize=1024)
def _whole_and_cropped(first: int, count: int, m: int, size: int) -> list[tuple[int, int, int]]:
    """Tiles first .. first + count along one side as (first, count, pixels of each): the whole ones, then a cropped one."""
    whole = min(count, size // m - first)
    parts = [(first, whole, m)] if whole > 0 else []
    if whole < count:
        parts.append((first + whole, 1, size % m))
    return parts
