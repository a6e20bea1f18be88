"""Launches the convolution on Hopper's tensor cores (sm_90a): 3x3 with padding 1, or its input gradient.

The kernel is in hopper_convolution.cu. It computes in bfloat16, or in float32 that is rounded to tf32 before. `products` tells the
caller how much it computes for given shapes, to estimate whether it is faster than the kernel for sm_80.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minunet.kernels.backend import Array
from minunet.kernels.cuda.costs import MULTIPROCESSORS
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.epilogue import Epilogue
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, map_of
from minunet.kernels.cuda.window import Window

# As in hopper_convolution.cu, patch.cuh and ring.cuh.
SIDE, PANEL, ROW_BYTES, CHUNK_BYTES, STAGES, WARPS, THREADS = 16, 64, 128, 16, 2, 8, 384
TAP_BYTES, LINE_BYTES, BARRIER_BYTES = PANEL * ROW_BYTES, SIDE * ROW_BYTES, 8
WARP_OUTS, WARP_PIXELS = 16, 64
ONLY_3X3 = "wgmma kernels support only 3x3 kernels with stride 1 and padding 1"

CONVOLUTION = Program(
    "hopper_convolution.cu",
    tuple(
        f"hopper_convolve<{element}, {across}, {transposed}>"
        for element, transposed in (("bfloat16", "true"), ("bfloat16", "false"), ("float", "false"))
        for across in ("true", "false")
    ),
    registers=168,
    architecture=90,
    architecture_specific=True,
    tensor_cores=True,
)


class ConvolutionShape(ctypes.Structure):
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
class PatchTile:
    """The results that a block computes at one time: 128 output channels of a patch of 16x16 pixels, or 64 of two patches.

    Attributes
    ----------
    across : bool
        True for 128 channels of one patch, False for 64 channels of two patches, one below the other.
    """

    across: bool

    @property
    def lines(self) -> int:
        """Height in pixels."""
        return SIDE if self.across else 2 * SIDE

    @property
    def panels(self) -> int:
        """Output channels, in units of 64."""
        return 2 if self.across else 1

    def count(self, window: Window) -> int:
        """Tiles that cover the results of a window."""
        down, along = ceil_div(window.rows.count, self.lines), ceil_div(window.columns.count, SIDE)
        return window.images * down * along * ceil_div(window.out_channels, PANEL * self.panels)

    def shared_bytes(self, itemsize: int) -> int:
        """Shared memory of a block: the stages, the results on their way to global memory, and the barriers of the stages."""
        stage = (self.lines + 2) * LINE_BYTES + self.panels * 3 * TAP_BYTES
        staging = WARPS * WARP_PIXELS * (WARP_OUTS * itemsize + CHUNK_BYTES)
        return STAGES * stage + staging + 2 * STAGES * BARRIER_BYTES


def tile_for(window: Window) -> PatchTile:
    """The tile of which fewer cover the window; if equal, the one of 128 channels, which loads less."""
    return min((PatchTile(True), PatchTile(False)), key=lambda tile: tile.count(window))


def is_3x3(window: Window) -> bool:
    """Whether the window is that of a 3x3 convolution with stride 1 and padding 1, or of its input gradient."""
    return all(
        axis.taps == axis.kernel_size == 3
        and axis.source_step == axis.out_step == 1
        and axis.count == axis.source_size == axis.out_size
        and (axis.source_first, axis.source_tap_step) in ((-1, 1), (1, -1))
        for axis in (window.rows, window.columns)
    )


def why_not(
    window: Window, source: Array, weight_transposed: Array | None, pooled: Array | None, *, round_to_tf32: bool
) -> str | None:
    """The reason why the kernel cannot compute this window, or None if it can.

    Parameters
    ----------
    source : array
        The first source.
    weight_transposed : array or None
        For the forward pass in float32: the weights with their last two axes exchanged.
    round_to_tf32 : bool
        Whether float32 arrays are rounded to tf32.
    """
    if not is_3x3(window):
        return ONLY_3X3
    if window.out_channels1 and window.out_channels0 % PANEL:
        return f"with two outputs, wgmma kernels need a multiple of {PANEL} channels in the first"
    if pooled is not None and (window.rows.count % 2 or window.columns.count % 2):
        return "wgmma kernels pool only images with an even height and width"
    has_weights = window.k_stride == 1 or weight_transposed is not None
    if source.dtype.name == "bfloat16" or (round_to_tf32 and has_weights):
        return None
    return "wgmma kernels need float32 arrays that are already rounded to tf32, and these are not"


def products(window: Window, itemsize: int) -> int:
    """Multiplications that the kernel does for this window, including those with the zeros that fill its tiles."""
    depth = ROW_BYTES // itemsize
    chunks = ceil_div(window.source_channels0, depth) + ceil_div(window.source_channels1, depth)
    return tile_for(window).count(window) * 2 * PANEL * SIDE * SIDE * 9 * chunks * depth


def convolve(
    window: Window,
    sources: Sequence[Array],
    weight: Array,
    outs: Sequence[Array | None],
    *,
    masks: Sequence[Array | None],
    weight_transposed: Array | None,
    **epilogue: Any,
) -> None:
    """Fill `outs`; the parameters are those of `tensor_cores.convolve`, `epilogue` the others of `Epilogue.of`."""
    launcher, itemsize = launcher_for(sources[0]), sources[0].dtype.itemsize
    tile, flipped = tile_for(window), window.rows.source_tap_step < 0
    # wgmma reads bfloat16 operands along either axis, float32 only along the summed one.
    transposed = window.k_stride != 1 and itemsize == 2
    if window.k_stride != 1 and itemsize == 4:
        weight = weight_transposed
    depth = ROW_BYTES // itemsize
    masks = (*masks, None)[:2]

    def image_map(array: Array | None, lines: int) -> TensorMap:
        return TensorMap() if array is None else map_of(launcher, array, (depth, SIDE, lines, 1))

    mask_lines = SIDE * 2 // itemsize
    shape = ConvolutionShape(
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
    run(
        launcher,
        CONVOLUTION,
        f"hopper_convolve<{cpp_type(sources[0])}, {str(tile.across).lower()}, {str(transposed).lower()}>",
        # One block for each multiprocessor; each computes several tiles. On a GPU with fewer, some blocks start later.
        grid=(min(tile.count(window), MULTIPROCESSORS),),
        block=THREADS,
        shared_bytes=tile.shared_bytes(itemsize),
        arguments=[
            *(image_map(source, tile.lines + 2) for source in (*sources, None)[:2]),
            map_of(launcher, weight, (depth, PANEL, 1, 3)),
            *(image_map(mask, mask_lines) for mask in masks),
            shape,
            Epilogue.of(launcher, outs, masks=masks, **epilogue),
        ],
    )
