"""Launches the convolution, with its epilogue, on the tensor cores of sm_80 (Ampere) and newer.

The kernel is in ampere_convolution.cu.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.kernels.backend import Array
from minunet.kernels.cuda.ampere_tile import BM, ROUNDING, ROW_BYTES, TILES, BlockTile, least_waste, rounding
from minunet.kernels.cuda.costs import MULTIPROCESSORS
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.epilogue import Epilogue
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.window import Window

MAX_SIDE = 8191  # of an image in pixels: the kernels keep row and column of a pixel in one register
MIN_BUSY = 0.9  # share of the multiprocessors that must have a block before the widest tile is used


def _instance(element: str, tile: BlockTile, layout: str, round_operands: str) -> str:
    return f"ampere_convolve<{element}, {tile.arguments}, {layout}, {round_operands}>"


CONVOLUTION = Program(
    "ampere_convolution.cu",
    tuple(
        _instance(element, tile, layout, round_operands)
        for element in ROUNDING
        for tile in TILES
        for layout in ("DEEP", "WIDE")
        for round_operands in ROUNDING[element]
    ),
    registers=255,
    architecture=80,
    tensor_cores=True,
)


def tile_for(window: Window) -> BlockTile:
    """The tile of the convolution. The widest one is not used where its few blocks would leave multiprocessors idle."""
    enough = TILES[0].tiles(window.pixels, window.out_channels) >= MIN_BUSY * MULTIPROCESSORS
    return least_waste(window.out_channels, TILES if enough else TILES[1:])


def convolve(
    window: Window,
    sources: Sequence[Array],
    weight: Array,
    outs: Sequence[Array | None],
    *,
    inputs_are_tf32: bool = False,
    **epilogue: Any,
) -> None:
    """Fill `outs`; the parameters are those of `tensor_cores.convolve`, `epilogue` those of `Epilogue.of`."""
    launcher, element = launcher_for(sources[0]), cpp_type(sources[0])
    source0, source1 = (*sources, None)[:2]
    tile = tile_for(window)
    layout = "DEEP" if window.k_stride == 1 else "WIDE"
    run(
        launcher,
        CONVOLUTION,
        _instance(element, tile, layout, rounding(element, inputs_are_tf32)),
        grid=(ceil_div(window.pixels, BM), ceil_div(window.out_channels, tile.columns)),
        block=tile.threads,
        shared_bytes=tile.shared_bytes(weight.dtype.itemsize),
        arguments=[source0, source1, weight, window, Epilogue.of(launcher, outs, **epilogue)],
    )


def products(window: Window, itemsize: int) -> int:
    """Multiplications that the kernel does for this window, including those with the zeros that fill its tiles."""
    columns, depth = window.out_channels, ROW_BYTES // itemsize
    width = tile_for(window).columns
    return ceil_div(window.pixels, BM) * BM * ceil_div(columns, width) * width * ceil_div(window.depth, depth) * depth
