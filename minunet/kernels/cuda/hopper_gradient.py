"""Launches the weight gradient's kernel of sm_90a: of 3x3 convolutions with padding 1, in bfloat16, by warpgroups."""

from __future__ import annotations

import ctypes
from typing import Any

from minunet.kernels.cuda.dtypes import ceil_div
from minunet.kernels.cuda.hopper import (
    BARRIER_BYTES,
    LINE_BYTES,
    MULTIPROCESSORS,
    NOT_PLAIN,
    PANEL,
    SIDE,
    STAGES,
    is_plain,
)
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, map_of
from minunet.kernels.cuda.window import Window

LINES, THREADS = 8, 512  # as in hopper_weight_gradient.cu

WEIGHT_GRADIENT = Program(
    "hopper_weight_gradient.cu",
    ("hopper_weight_gradient",),
    registers=128,
    architecture=90,
    architecture_specific=True,
    tensor_cores=True,
)


class Shape(ctypes.Structure):
    """Mirrors `Shape` in hopper_weight_gradient.cu."""

    _fields_ = [
        (name, ctypes.c_int)
        for name in ("images", "height", "width", "source_channels0", "source_channels1", "out_channels", "share")
    ]


def why_not(window: Window, grad: Any) -> str | None:
    """None where the kernel can compute this weight gradient, else the reason."""
    if not is_plain(window):
        return NOT_PLAIN
    return None if grad.dtype.name == "bfloat16" else "wgmma cannot read tf32 factors across their rows"


def products(window: Window) -> int:
    """Multiplications of the weight gradient's kernel, of zeros too."""
    return (
        _patches(window) * LINES * SIDE * _source_panels(window) * ceil_div(window.out_channels0, PANEL) * 9 * PANEL**2
    )


def splits_of(window: Window) -> int:
    """How many partial sums `weight_gradient` writes: blocks for every multiprocessor; a function of shapes alone."""
    patches = _patches(window)
    wanted = max(MULTIPROCESSORS // (_source_panels(window) * ceil_div(window.out_channels0, PANEL)), 1)
    return max(ceil_div(patches, ceil_div(patches, wanted)), 1) if patches else 1


def weight_gradient(window: Window, sources, grad, partial) -> None:
    """Fill `partial` (splits, 3, 3, C, O), float32, whose sum along the first axis is the gradient."""
    launcher, splits = launcher_for(grad), splits_of(window)
    source0, source1 = (*sources, None)[:2]
    shape = Shape(
        window.images,
        window.rows.count,
        window.columns.count,
        window.source_channels0,
        window.source_channels1,
        window.out_channels0,
        ceil_div(_patches(window), splits),
    )
    box = PANEL, SIDE, LINES + 2, 1
    stage = (3 * (LINES + 2) + LINES) * LINE_BYTES
    run(
        launcher,
        WEIGHT_GRADIENT,
        "hopper_weight_gradient",
        grid=(_source_panels(window), ceil_div(window.out_channels0, PANEL), splits),
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


def _source_panels(window: Window) -> int:
    return ceil_div(window.source_channels0, PANEL) + ceil_div(window.source_channels1, PANEL)


def _patches(window: Window) -> int:
    return window.images * ceil_div(window.rows.count, LINES) * ceil_div(window.columns.count, SIDE)
