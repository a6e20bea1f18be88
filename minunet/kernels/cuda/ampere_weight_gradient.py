"""Launches the weight gradient on the tensor cores of sm_80 (Ampere) and newer. The kernel is in ampere_weight_gradient.cu."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from minunet.kernels.backend import Array
from minunet.kernels.cuda import costs
from minunet.kernels.cuda.ampere_tile import BM, ROUNDING, ROW_BYTES, TILES, BlockTile, least_waste, rounding
from minunet.kernels.cuda.costs import MULTIPROCESSORS
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.window import Window

MIN_ROUNDS = 4  # steps of a block over its own pixels, before one more block is worth its partial sum
MAX_WAVES = 8  # waves of blocks
TOLERANCE = 1.03  # the fewest splits are used whose estimated time is at most this many times the shortest
RATES = {2: 110_000.0, 4: 60_000.0}  # multiplications per nanosecond, by the bytes of an element; round figures


def _instance(element: str, tile: BlockTile, round_operands: str) -> str:
    return f"ampere_weight_gradient<{element}, {tile.arguments}, {round_operands}>"


WEIGHT_GRADIENT = Program(
    "ampere_weight_gradient.cu",
    tuple(
        _instance(element, tile, round_operands)
        for element in ROUNDING
        for tile in TILES
        for round_operands in ROUNDING[element]
    ),
    registers=255,
    architecture=80,
    tensor_cores=True,
)


class Divider(ctypes.Structure):
    """Mirrors `Divider` in ampere_weight_gradient.cu: division of numbers below 2^31 by one multiplication."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("multiplier", "shift")]

    @classmethod
    def by(cls, divisor: int) -> Divider:
        """The constants for a divisor d, 2^(s - 1) < d <= 2^s: n / d = n * ceil(2^(31 + s) / d) / 2^(31 + s)."""
        bits = (divisor - 1).bit_length()
        return cls(ceil_div(2 ** (31 + bits), divisor), bits)


def tile_for(window: Window) -> BlockTile:
    """The tile of the weight gradient. Its blocks always suffice, because its sum is split among as many as needed."""
    return least_waste(window.out_channels0, TILES)


def products(window: Window) -> int:
    """Multiplications that the kernel does for this window, including those with the zeros that fill its tiles."""
    width = tile_for(window).columns
    return ceil_div(window.depth, BM) * BM * ceil_div(window.out_channels0, width) * width * window.pixels


def split(window: Window, tile: BlockTile, itemsize: int) -> tuple[int, int]:
    """How many pixels each block sums, and how many blocks share the pixels; depends only on shapes.

    Blocks run in waves, each of as many blocks as a large GPU holds. A last wave of a few blocks takes as long as a full one. More
    splits make the last wave fuller, but then there are more partial sums to write and to read. There is always at least one split;
    for an empty batch it is zero.
    """
    depth = ROW_BYTES // itemsize
    rounds, wave = ceil_div(window.pixels, depth), MULTIPROCESSORS * tile.blocks
    tiles = tile.tiles(window.depth, window.out_channels0)
    weights = window.depth * window.out_channels0

    def nanoseconds(splits: int) -> float:
        waves = ceil_div(tiles * splits, wave)
        multiplications = waves * wave * BM * tile.columns * ceil_div(rounds, splits) * depth
        return multiplications / RATES[itemsize] + splits * 2 * 4 * weights / costs.BYTES

    limit = max(1, rounds // MIN_ROUNDS)
    options = sorted({min(max(1, waves * wave // tiles), limit) for waves in range(1, MAX_WAVES + 1)})
    fast_enough = TOLERANCE * min(map(nanoseconds, options))
    splits = next(splits for splits in options if nanoseconds(splits) <= fast_enough)
    share = max(ceil_div(rounds, splits), 1) * depth
    return share, max(1, ceil_div(window.pixels, share))


def num_splits(window: Window, itemsize: int) -> int:
    """How many partial sums `weight_gradient` writes for this window."""
    return split(window, tile_for(window), itemsize)[1]


def weight_gradient(
    window: Window, sources: Sequence[Array], grad: Array, partial: Array, *, inputs_are_tf32: bool = False
) -> None:
    """Fill `partial`; the parameters are those of `tensor_cores.weight_gradient`."""
    element, tile = cpp_type(grad), tile_for(window)
    source0, source1 = (*sources, None)[:2]
    share, splits = split(window, tile, grad.dtype.itemsize)
    run(
        launcher_for(grad),
        WEIGHT_GRADIENT,
        _instance(element, tile, rounding(element, inputs_are_tf32)),
        grid=(ceil_div(window.depth, BM), ceil_div(window.out_channels0, tile.columns), splits),
        block=tile.threads,
        shared_bytes=tile.shared_bytes(),
        arguments=[
            source0,
            source1,
            grad,
            partial,
            window,
            Divider.by(window.columns.count),
            Divider.by(window.rows.count),
            ctypes.c_int(share),
        ],
    )
