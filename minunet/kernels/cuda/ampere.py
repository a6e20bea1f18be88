"""Launches the tensor-core kernels of sm_80 and newer: a convolution with its epilogue, and the weight gradient's sums."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from minunet.kernels.cuda import costs
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.window import Window

BM, ROW_BYTES, CHUNK_BYTES, MOST_OUT_BYTES = 128, 128, 16, 512  # as in tensor_convolution.cu and tile.cuh
WARP = 64  # rows and columns of a warp: 128 sums a thread
MAX_SIDE = 8191  # a pixel's row and column share a register
MULTIPROCESSORS = 132  # of an H100; a constant, so that sums split alike everywhere
FEWEST_ROUNDS = 4  # of a block's own share, before another is worth its partial sum
BUSY = 0.9  # the share of multiprocessors from which on the widest tile pays
MOST_WAVES, ENOUGH = 8, 1.03  # waves of blocks; of the shortest time, what is taken if it saves partial sums
GRADIENT_RATES = {2: 110_000.0, 4: 60_000.0}  # multiplications a nanosecond, by the bytes of an element; a round figure


@dataclass(frozen=True)
class Tile:
    """How a block covers BM rows and `columns` of the product.

    A warp takes 64 x 64 of it, as much as its registers hold, since the larger its share the less it reads of shared memory for
    each product; and a multiprocessor has registers for 8 such warps, whatever the width of their blocks. Two stages are few, but
    the multiplication of one takes longer than it takes the next to arrive, and shared memory then suffices for as many blocks.

    Attributes
    ----------
    columns : int
        Output channels of a block.
    stages : int
        Tiles under way at once.
    """

    columns: int
    stages: int = 2

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return BM // WARP * (self.columns // WARP) * 32

    @property
    def blocks(self) -> int:
        """Blocks that fill a multiprocessor."""
        return 8 * 32 // self.threads

    @property
    def arguments(self) -> str:
        """Template arguments."""
        return f"{BM}, {self.columns}, {WARP}, {WARP}, {self.stages}"

    def shared_bytes(self, itemsize: int = 0) -> int:
        """The stages, or results of `itemsize` bytes on their way out through the same memory, whichever is larger."""
        out_bytes = min(self.columns * itemsize, MOST_OUT_BYTES)
        return max(self.stages * (BM + self.columns) * ROW_BYTES, BM * (out_bytes + CHUNK_BYTES))

    def tiles(self, rows: int, columns: int) -> int:
        """How many cover a product."""
        return ceil_div(rows, BM) * ceil_div(columns, self.columns)


TILES = Tile(256), Tile(128), Tile(64)
ROUNDING = {"bfloat16": ("false",), "float": ("false", "true")}


def _convolve_instance(t: str, tile: Tile, layout: str, rounding: str) -> str:
    return f"tensor_convolve<{t}, {tile.arguments}, {layout}, {rounding}>"


def _gradient_instance(t: str, tile: Tile, rounding: str) -> str:
    return f"tensor_weight_gradient<{t}, {tile.arguments}, {rounding}>"


def _rounding(t: str, exact: bool) -> str:
    return "true" if t == "float" and not exact else "false"


CONVOLUTION = Program(
    "tensor_convolution.cu",
    tuple(
        _convolve_instance(t, tile, layout, rounding)
        for t in ROUNDING
        for tile in TILES
        for layout in ("DEEP", "WIDE")
        for rounding in ROUNDING[t]
    ),
    registers=255,
    architecture=80,
    tensor_cores=True,
)
WEIGHT_GRADIENT = Program(
    "tensor_weight_gradient.cu",
    tuple(_gradient_instance(t, tile, rounding) for t in ROUNDING for tile in TILES for rounding in ROUNDING[t]),
    registers=255,
    architecture=80,
    tensor_cores=True,
)


class Epilogue(ctypes.Structure):
    """Mirrors `Epilogue` in epilogue.cuh: addresses, 0 for what is absent."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("bias", "mask0", "mask1", "out0", "out1", "pooled", "argmax")),
        ("relu", ctypes.c_int),
        ("rounded", ctypes.c_int),
    ]


class Divider(ctypes.Structure):
    """Mirrors `Divider` in tensor_weight_gradient.cu: division of numbers below 2^31 by one multiplication."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("multiplier", "shift")]

    @classmethod
    def by(cls, divisor: int) -> Divider:
        """The constants for a divisor d, 2^(s - 1) < d <= 2^s: n / d = n * ceil(2^(31 + s) / d) / 2^(31 + s)."""
        bits = (divisor - 1).bit_length()
        return cls(ceil_div(2 ** (31 + bits), divisor), bits)


def tile_for(window: Window) -> Tile:
    """The convolution's: not the widest where its few blocks would leave multiprocessors idle."""
    columns = window.out_channels0 + window.out_channels1
    enough = TILES[0].tiles(window.pixels, columns) >= BUSY * MULTIPROCESSORS
    return _least_waste(columns, TILES if enough else TILES[1:])


def gradient_tile_for(window: Window) -> Tile:
    """The weight gradient's, whose sum is split among as many blocks as it takes."""
    return _least_waste(window.out_channels0, TILES)


def _least_waste(columns: int, tiles: Sequence[Tile]) -> Tile:
    """The widest of those that waste the fewest columns."""
    return min(tiles, key=lambda tile: (ceil_div(columns, tile.columns) * tile.columns, -tile.columns))


def convolve(
    window: Window,
    sources,
    weight,
    outs,
    *,
    bias,
    relu: bool,
    masks,
    pooled,
    argmax,
    rounded: bool,
    exact: bool = False,
) -> None:
    """Fill `outs`; the parameters are those of `tensor.convolve`."""
    launcher, t = launcher_for(sources[0]), cpp_type(sources[0])
    source0, source1 = (*sources, None)[:2]
    pointers = [0 if a is None else launcher.pointer(a) for a in (bias, *masks, *(*outs, None)[:2], pooled, argmax)]
    columns = window.out_channels0 + window.out_channels1
    tile = tile_for(window)
    layout = "DEEP" if window.k_stride == 1 else "WIDE"
    run(
        launcher,
        CONVOLUTION,
        _convolve_instance(t, tile, layout, _rounding(t, exact)),
        grid=(ceil_div(window.pixels, BM), ceil_div(columns, tile.columns)),
        block=tile.threads,
        shared_bytes=tile.shared_bytes(weight.dtype.itemsize),
        arguments=[source0, source1, weight, window, Epilogue(*pointers, int(relu), int(rounded))],
    )


def products(window: Window, itemsize: int) -> int:
    """Multiplications of the convolution's kernel, of zeros too."""
    columns, depth = window.out_channels0 + window.out_channels1, ROW_BYTES // itemsize
    width = tile_for(window).columns
    return ceil_div(window.pixels, BM) * BM * ceil_div(columns, width) * width * ceil_div(window.depth, depth) * depth


def gradient_products(window: Window, itemsize: int) -> int:
    """Multiplications of the weight gradient's kernel, of zeros too."""
    width = gradient_tile_for(window).columns
    return ceil_div(window.depth, BM) * BM * ceil_div(window.out_channels0, width) * width * window.pixels


def split(window: Window, tile: Tile, itemsize: int) -> tuple[int, int]:
    """Pixels each block of the weight gradient sums, and how many blocks share them; a function of shapes alone.

    Blocks come in waves of as many as a large GPU holds, and a last wave of a few blocks takes as long as a full one. More shares
    leave a smaller last wave, and more partial sums to write and to read; there is always one share, which for an empty batch sums
    nothing.
    """
    depth = ROW_BYTES // itemsize
    rounds, wave = ceil_div(window.pixels, depth), MULTIPROCESSORS * tile.blocks
    tiles = tile.tiles(window.depth, window.out_channels0)
    weights = window.depth * window.out_channels0

    def nanoseconds(shares: int) -> float:
        waves = ceil_div(tiles * shares, wave)
        products = waves * wave * BM * tile.columns * ceil_div(rounds, shares) * depth
        return products / GRADIENT_RATES[itemsize] + shares * 2 * 4 * weights / costs.BYTES

    most = max(1, rounds // FEWEST_ROUNDS)
    wanted = sorted({min(max(1, waves * wave // tiles), most) for waves in range(1, MOST_WAVES + 1)})
    enough = ENOUGH * min(map(nanoseconds, wanted))
    shares = next(shares for shares in wanted if nanoseconds(shares) <= enough)
    share = max(ceil_div(rounds, shares), 1) * depth
    return share, max(1, ceil_div(window.pixels, share))


def splits_of(window: Window, itemsize: int) -> int:
    """How many partial sums `weight_gradient` writes for this window."""
    return split(window, gradient_tile_for(window), itemsize)[1]


def weight_gradient(window: Window, sources, grad, partial, *, exact: bool = False) -> None:
    """Fill `partial`; the parameters are those of `tensor.weight_gradient`."""
    t, tile = cpp_type(grad), gradient_tile_for(window)
    source0, source1 = (*sources, None)[:2]
    share, splits = split(window, tile, grad.dtype.itemsize)
    run(
        launcher_for(grad),
        WEIGHT_GRADIENT,
        _gradient_instance(t, tile, _rounding(t, exact)),
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
