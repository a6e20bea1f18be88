"""Launches the weight gradient on Hopper's tensor cores (sm_90a): of 3x3 convolutions with padding 1, in bfloat16.

The kernel is in hopper_weight_gradient.cu.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from minunet.kernels.backend import Array
from minunet.kernels.cuda.costs import MULTIPROCESSORS
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div
from minunet.kernels.cuda.hopper_convolution import BARRIER_BYTES, LINE_BYTES, ONLY_3X3, PANEL, SIDE, is_3x3
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, map_of
from minunet.kernels.cuda.window import Window

LINES, STAGES, THREADS = 8, 2, 512  # as in hopper_weight_gradient.cu

WEIGHT_GRADIENT = Program(
    "hopper_weight_gradient.cu",
    ("hopper_weight_gradient",),
    registers=128,
    architecture=90,
    architecture_specific=True,
    tensor_cores=True,
)


class WeightGradientShape(ctypes.Structure):
    """Mirrors `Shape` in hopper_weight_gradient.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in ("images", "height", "width", "source_channels0", "source_channels1", "out_channels", "share")
    ]


def why_not(window: Window, grad: Array) -> str | None:
    """The reason why the kernel cannot compute this weight gradient, or None if it can."""
    if not is_3x3(window):
        return ONLY_3X3
    return None if grad.dtype.name == "bfloat16" else "wgmma cannot read tf32 operands transposed"


def products(window: Window) -> int:
    """Multiplications that the kernel does for this window, including those with the zeros that fill its tiles."""
    panels = source_panels(window) * ceil_div(window.out_channels0, PANEL)
    return patches(window) * LINES * SIDE * panels * 9 * PANEL**2


def num_splits(window: Window) -> int:
    """How many partial sums `weight_gradient` writes: enough blocks for every multiprocessor. Depends only on shapes."""
    count = patches(window)
    blocks = max(MULTIPROCESSORS // (source_panels(window) * ceil_div(window.out_channels0, PANEL)), 1)
    return max(ceil_div(count, ceil_div(count, blocks)), 1) if count else 1


def weight_gradient(window: Window, sources: Sequence[Array], grad: Array, partial: Array) -> None:
    """Fill `partial` (splits, 3, 3, C, O), float32; its sum along the first axis is the gradient."""
    launcher, splits = launcher_for(grad), num_splits(window)
    source0, source1 = (*sources, None)[:2]
    shape = WeightGradientShape(
        window.images,
        window.rows.count,
        window.columns.count,
        window.source_channels0,
        window.source_channels1,
        window.out_channels0,
        ceil_div(patches(window), splits),
    )
    box = PANEL, SIDE, LINES + 2, 1
    stage = (3 * (LINES + 2) + LINES) * LINE_BYTES
    run(
        launcher,
        WEIGHT_GRADIENT,
        "hopper_weight_gradient",
        grid=(source_panels(window), ceil_div(window.out_channels0, PANEL), splits),
        block=THREADS,
        shared_bytes=STAGES * stage + 2 * STAGES * BARRIER_BYTES,
        arguments=[
            map_of(launcher, source0, box),
            TensorMap() if source1 is None else map_of(launcher, source1, box),
            map_of(launcher, grad, (PANEL, SIDE, LINES, 1)),
            partial,
            shape,
        ],
    )


def source_panels(window: Window) -> int:
    """Panels of 64 channels that cover the sources."""
    return ceil_div(window.source_channels0, PANEL) + ceil_div(window.source_channels1, PANEL)


def patches(window: Window) -> int:
    """Patches of 8 x 16 pixels that cover the images."""
    return window.images * ceil_div(window.rows.count, LINES) * ceil_div(window.columns.count, SIDE)
