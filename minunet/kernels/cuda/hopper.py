"""Launches the convolution kernel of sm_90a: 3x3 with padding 1, or its input gradient, by warpgroups.

It takes bfloat16, and floats that hold tf32 values; what it costs for given shapes tells the caller whether it is worth it.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from minunet.kernels.cuda.ampere import MULTIPROCESSORS, Epilogue
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, map_of
from minunet.kernels.cuda.window import Window

# As in hopper_convolution.cu and patch.cuh.
SIDE, PANEL, ROW_BYTES, CHUNK_BYTES, STAGES, WARPS, THREADS = 16, 64, 128, 16, 2, 8, 384
TAP_BYTES, LINE_BYTES, BARRIER_BYTES = PANEL * ROW_BYTES, SIDE * ROW_BYTES, 8
WARP_OUTS, WARP_PIXELS = 16, 64
NOT_PLAIN = "wgmma takes 3x3 kernels with stride 1 and padding 1"

CONVOLUTION = Program(
    "hopper_convolution.cu",
    tuple(
        f"hopper_convolve<{t}, {across}, {transposed}>"
        for t, transposed in (("bfloat16", "true"), ("bfloat16", "false"), ("float", "false"))
        for across in ("true", "false")
    ),
    registers=168,
    architecture=90,
    architecture_specific=True,
    tensor_cores=True,
)


class Shape(ctypes.Structure):
    """Mirrors `Shape` in hopper_convolution.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in (
            "images",
            "height",
            "width",
            "source_channels0",
            "source_channels1",
            "out_channels0",
            "out_channels1",
            "flipped",
            "masked0",
            "masked1",
        )
    ]


@dataclass(frozen=True)
class Tile:
    """What the two warpgroups of a block take: 128 output channels of a patch of 16x16 pixels, or 64 of two patches.

    Attributes
    ----------
    across : bool
        Whether it is the former.
    """

    across: bool

    @property
    def lines(self) -> int:
        """Pixels down."""
        return SIDE if self.across else 2 * SIDE

    @property
    def panels(self) -> int:
        """Times 64 output channels."""
        return 2 if self.across else 1

    def count(self, window: Window) -> int:
        """Tiles that cover the results."""
        down, along = ceil_div(window.rows.count, self.lines), ceil_div(window.columns.count, SIDE)
        return window.images * down * along * ceil_div(_outs(window), PANEL * self.panels)

    def shared_bytes(self, itemsize: int) -> int:
        """The ring, the results on their way out, and the ring's barriers."""
        stage = (self.lines + 2) * LINE_BYTES + self.panels * 3 * TAP_BYTES
        staging = WARPS * WARP_PIXELS * (WARP_OUTS * itemsize + CHUNK_BYTES)
        return STAGES * stage + staging + 2 * STAGES * BARRIER_BYTES


def tile_for(window: Window) -> Tile:
    """The tile that wastes less; of two alike the one across, which fetches less."""
    return min((Tile(True), Tile(False)), key=lambda tile: tile.count(window))


def is_plain(window: Window) -> bool:
    """Whether the window is that of a 3x3 convolution with stride 1 and padding 1, or of its input gradient."""
    return all(
        axis.taps == axis.kernel_size == 3
        and axis.source_step == axis.out_step == 1
        and axis.count == axis.source_size == axis.out_size
        and (axis.source_first, axis.source_tap_step) in ((-1, 1), (1, -1))
        for axis in (window.rows, window.columns)
    )


def why_not_convolution(window: Window, source: Any, turned: Any, pooled: Any, *, rounded: bool) -> str | None:
    """None where the kernel can compute this window, else the reason.

    Parameters
    ----------
    source : array
        The first source.
    turned : array or None
        For float sources of a convolution: the weights with their last two axes exchanged.
    rounded : bool
        Whether floats hold tf32 values.
    """
    if not is_plain(window):
        return NOT_PLAIN
    if window.out_channels1 and window.out_channels0 % PANEL:
        return f"wgmma joins two results where the first has a multiple of {PANEL} channels"
    if pooled is not None and (window.rows.count % 2 or window.columns.count % 2):
        return "wgmma pools images of even sides"
    if source.dtype.name == "bfloat16" or (rounded and (window.k_stride == 1 or turned is not None)):
        return None
    return "wgmma reads floats as they are, and these are not kept as tf32 values"


def products(window: Window, itemsize: int) -> int:
    """Multiplications of the convolution's kernel, of zeros too."""
    depth = ROW_BYTES // itemsize
    chunks = ceil_div(window.source_channels0, depth) + ceil_div(window.source_channels1, depth)
    return tile_for(window).count(window) * 2 * PANEL * SIDE * SIDE * 9 * chunks * depth


def convolve(
    window: Window, sources, weight, outs, *, bias, relu: bool, masks, pooled, argmax, rounded: bool, turned: Any
) -> None:
    """Fill `outs`; the parameters are those of `tensor.convolve`."""
    launcher, itemsize = launcher_for(sources[0]), sources[0].dtype.itemsize
    tile, flipped = tile_for(window), window.rows.source_tap_step < 0
    transposed = window.k_stride != 1 and itemsize == 2
    if window.k_stride != 1 and itemsize == 4:
        weight = turned
    depth = ROW_BYTES // itemsize

    def image_map(array: Any, lines: int) -> TensorMap:
        return TensorMap() if array is None else map_of(launcher, array, (depth, SIDE, lines, 1))

    mask_lines = SIDE * 2 // itemsize
    masks = (*masks, None)[:2]
    shape = Shape(
        window.images,
        window.rows.count,
        window.columns.count,
        window.source_channels0,
        window.source_channels1,
        window.out_channels0,
        window.out_channels1,
        int(flipped),
        *(int(mask is not None) for mask in masks),
    )
    addresses = [0 if a is None else launcher.pointer(a) for a in (bias, *masks, *(*outs, None)[:2], pooled, argmax)]
    t, across, turned_over = cpp_type(sources[0]), str(tile.across).lower(), str(transposed).lower()
    run(
        launcher,
        CONVOLUTION,
        f"hopper_convolve<{t}, {across}, {turned_over}>",
        # A block for each works through the tiles; where there are fewer multiprocessors, blocks wait their turn.
        grid=(min(tile.count(window), MULTIPROCESSORS),),
        block=THREADS,
        shared_bytes=tile.shared_bytes(itemsize),
        arguments=[
            *(image_map(source, tile.lines + 2) for source in (*sources, None)[:2]),
            map_of(launcher, weight, (depth, PANEL, 1, 3)),
            *(image_map(mask, mask_lines) for mask in masks),
            shape,
            Epilogue(*addresses, int(relu), int(rounded)),
        ],
    )


def _outs(window: Window) -> int:
    return window.out_channels0 + window.out_channels1
