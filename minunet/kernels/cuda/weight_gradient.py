"""Launches the portable kernel of a convolution's weight gradient, which is in weight_gradient.cu."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from minunet.kernels.backend import Array
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.sums import split, sum_of_splits
from minunet.kernels.cuda.window import Window

TILE, DEPTH, PITCH, THREADS = 64, 16, 68, 256  # as in weight_gradient.cu

WEIGHT_GRADIENT = Program(
    "weight_gradient.cu",
    tuple(f"weight_gradient<{t}>" for t in ("float", "double", "bfloat16")),
    registers=128,
)


def weight_gradient(window: Window, sources: Sequence[Array], grad: Array, mask: Array | None, like: Array) -> Array:
    """The gradient of the weights, an array like `like`: for each weight a sum over the output pixels of the window.

    Where `mask`, an array of the shape of `grad`, is not positive, `grad` counts as zero.
    """
    launcher = launcher_for(grad)
    source0, source1 = (*sources, None)[:2]
    tiles = ceil_div(window.depth, TILE), ceil_div(window.out_channels0, TILE)
    pixels, splits = split(window.pixels, tiles[0] * tiles[1], DEPTH)
    partial = launcher.empty((splits, *like.shape), like.dtype)
    run(
        launcher,
        WEIGHT_GRADIENT,
        f"weight_gradient<{cpp_type(grad)}>",
        grid=(*tiles, splits),
        block=THREADS,
        shared_bytes=2 * DEPTH * PITCH * like.dtype.itemsize,
        arguments=[source0, source1, grad, mask, partial, window, ctypes.c_int(pixels)],
    )
    return sum_of_splits(partial)
