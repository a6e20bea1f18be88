"""Launches the tensor-core kernels of sm_80 and newer: a convolution with its epilogue, and the weight gradient's sums."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from minunet.kernels.cuda import sums
from minunet.kernels.cuda.elements import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.window import Window

THREADS, BM, ROW_BYTES, CHUNK_BYTES = 256, 128, 128, 16  # as in tensor_convolution.cu and tile.cuh
MAX_SIDE = 8191  # a pixel's row and column share a register


@dataclass(frozen=True)
class Tile:
    """How a block of 256 threads covers BM rows and `columns` of the product.

    Attributes
    ----------
    columns : int
        Output channels of a block.
    warp : str
        Rows and columns of a warp, as template arguments.
    stages : int
        Tiles under way at once.
    """

    columns: int
    warp: str
    stages: int

    def arguments(self, blocks: int) -> str:
        """Template arguments, for `blocks` at once on a multiprocessor."""
        return f"{BM}, {self.columns}, {self.warp}, {self.stages}, {blocks}"

    def shared_bytes(self, itemsize: int) -> int:
        """The stages, or the results on their way out, whichever is larger."""
        return max(self.stages * (BM + self.columns) * ROW_BYTES, BM * (self.columns * itemsize + CHUNK_BYTES))


TILES = {128: Tile(128, "64, 32", 3), 64: Tile(64, "32, 32", 4)}
# Fragments of float are rounded and, in a wide tile, read word by word: more registers, so fewer blocks.
BLOCKS = {("bfloat16", 128): 2, ("bfloat16", 64): 2, ("float", 128): 1, ("float", 64): 2}
GRADIENT_BLOCKS = {("bfloat16", 128): 2, ("bfloat16", 64): 2, ("float", 128): 1, ("float", 64): 1}


def _convolve_instance(t: str, columns: int, layout: str) -> str:
    return f"tensor_convolve<{t}, {TILES[columns].arguments(BLOCKS[t, columns])}, {layout}>"


def _gradient_instance(t: str, columns: int) -> str:
    return f"tensor_weight_gradient<{t}, {TILES[columns].arguments(GRADIENT_BLOCKS[t, columns])}>"


CONVOLUTION = Program(
    "tensor_convolution.cu",
    tuple(
        _convolve_instance(t, n, layout) for t in ("bfloat16", "float") for n in TILES for layout in ("DEEP", "WIDE")
    ),
    registers=200,
    architecture=80,
    tensor_cores=True,
)
WEIGHT_GRADIENT = Program(
    "tensor_weight_gradient.cu",
    tuple(_gradient_instance(t, n) for t in ("bfloat16", "float") for n in TILES),
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

    _fields_ = [(name, ctypes.c_uint32) for name in ("divisor", "multiplier", "shift")]

    @classmethod
    def by(cls, divisor: int) -> Divider:
        """The constants for a divisor d, 2^(s - 1) < d <= 2^s: n / d = n * ceil(2^(31 + s) / d) / 2^(31 + s)."""
        if divisor == 1:
            return cls(1, 0, 0)
        bits = (divisor - 1).bit_length()
        return cls(divisor, ceil_div(2 ** (31 + bits), divisor), bits - 1)


def tile_for(columns: int) -> Tile:
    """The wider tile, unless the narrower one wastes fewer columns."""
    return TILES[128] if ceil_div(columns, 128) * 128 == ceil_div(columns, 64) * 64 else TILES[64]


def convolve(window: Window, sources, weight, outs, *, bias, relu: bool, masks, pooled, argmax, rounded: bool) -> None:
    """Fill `outs`; the parameters are those of `tensor.convolve`."""
    launcher, t = launcher_for(sources[0]), cpp_type(sources[0])
    source0, source1 = (*sources, None)[:2]
    pointers = [0 if a is None else launcher.pointer(a) for a in (bias, *masks, *(*outs, None)[:2], pooled, argmax)]
    columns = window.out_channels0 + window.out_channels1
    tile = tile_for(columns)
    layout = "DEEP" if window.k_stride == 1 else "WIDE"
    run(
        launcher,
        CONVOLUTION,
        _convolve_instance(t, tile.columns, layout),
        grid=(ceil_div(window.pixels, BM), ceil_div(columns, tile.columns)),
        block=THREADS,
        shared_bytes=tile.shared_bytes(weight.dtype.itemsize),
        arguments=[source0, source1, weight, window, Epilogue(*pointers, int(relu), int(rounded))],
    )


def products(window: Window, itemsize: int) -> int:
    """Multiplications of the convolution's kernel, of zeros too."""
    columns, depth = window.out_channels0 + window.out_channels1, ROW_BYTES // itemsize
    width = tile_for(columns).columns
    return ceil_div(window.pixels, BM) * BM * ceil_div(columns, width) * width * ceil_div(window.depth, depth) * depth


def gradient_products(window: Window, itemsize: int) -> int:
    """Multiplications of the weight gradient's kernel, of zeros too."""
    width = tile_for(window.out_channels0).columns
    return ceil_div(window.depth, BM) * BM * ceil_div(window.out_channels0, width) * width * window.pixels


def split(window: Window, tile: Tile, itemsize: int) -> tuple[int, int]:
    """Pixels each block of the weight gradient sums, and how many blocks share them; a function of shapes alone."""
    tiles = ceil_div(window.depth, BM) * ceil_div(window.out_channels0, tile.columns)
    return sums.split(window.pixels, tiles, ROW_BYTES // itemsize, rounds=4)


def splits_of(window: Window, itemsize: int) -> int:
    """How many partial sums `weight_gradient` writes for this window."""
    return split(window, tile_for(window.out_channels0), itemsize)[1]


def weight_gradient(window: Window, sources, grad, partial) -> None:
    """Fill `partial` (splits, kh, kw, C, O), float32, whose sum along the first axis is the gradient."""
    t, tile = cpp_type(grad), tile_for(window.out_channels0)
    source0, source1 = (*sources, None)[:2]
    share, splits = split(window, tile, grad.dtype.itemsize)
    run(
        launcher_for(grad),
        WEIGHT_GRADIENT,
        _gradient_instance(t, tile.columns),
        grid=(ceil_div(window.depth, BM), ceil_div(window.out_channels0, tile.columns), splits),
        block=THREADS,
        shared_bytes=tile.stages * (BM + tile.columns) * ROW_BYTES,
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
