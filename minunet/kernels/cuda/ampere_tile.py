"""The tiles of the tensor-core kernels for sm_80 and newer: how large a part of the matrix product one block computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minunet.kernels.cuda.dtypes import ceil_div

BM, ROW_BYTES, CHUNK_BYTES, MAX_OUT_BYTES = 128, 128, 16, 512  # as in ampere_convolution.cu and tile.cuh
WARP = 64  # rows and columns of a warp, so that each thread holds 128 sums


@dataclass(frozen=True)
class BlockTile:
    """A block computes BM rows and `columns` columns of the product.

    A warp computes 64 x 64 of them, as many as fit its registers: the larger its part, the less it reads from shared memory for
    each product. A multiprocessor has registers for 8 such warps, whatever the width of their blocks. Two stages are enough,
    because multiplying one tile takes longer than loading the next one; and with two, shared memory suffices for 8 warps.

    Attributes
    ----------
    columns : int
        Output channels of a block.
    stages : int
        Tiles in shared memory at one time: one is multiplied while the others are loaded.
    """

    columns: int
    stages: int = 2

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return BM // WARP * (self.columns // WARP) * 32

    @property
    def blocks(self) -> int:
        """Blocks that run on a multiprocessor at one time."""
        return 8 * 32 // self.threads

    @property
    def arguments(self) -> str:
        """Template arguments."""
        return f"{BM}, {self.columns}, {WARP}, {WARP}, {self.stages}"

    def shared_bytes(self, itemsize: int = 0) -> int:
        """Shared memory of a block: the stages, or its results of `itemsize` bytes each, whichever is larger."""
        out_bytes = min(self.columns * itemsize, MAX_OUT_BYTES)
        return max(self.stages * (BM + self.columns) * ROW_BYTES, BM * (out_bytes + CHUNK_BYTES))

    def tiles(self, rows: int, columns: int) -> int:
        """How many tiles cover a product of so many rows and columns."""
        return ceil_div(rows, BM) * ceil_div(columns, self.columns)


TILES = BlockTile(256), BlockTile(128), BlockTile(64)
# For each element type the values of the template parameter ROUND: whether operands are rounded to tf32 as they are read.
ROUNDING = {"bfloat16": ("false",), "float": ("false", "true")}


def least_waste(columns: int, tiles: Sequence[BlockTile]) -> BlockTile:
    """The tile that computes the fewest columns beyond `columns`; the widest of several."""
    return min(tiles, key=lambda tile: (ceil_div(columns, tile.columns) * tile.columns, -tile.columns))


def rounding(element: str, inputs_are_tf32: bool) -> str:
    """The template argument ROUND for elements of this C++ type."""
    return "true" if element == "float" and not inputs_are_tf32 else "false"
