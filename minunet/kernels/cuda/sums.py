"""Launches sums in a fixed order, and decides how pixels are shared out among the blocks that sum them."""

from __future__ import annotations

import ctypes
from typing import Any

from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, wide_dtype
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program

THREADS, ACROSS = 256, 8  # as in sums.cu
VECTORS = {"float": 4, "double": 2, "bfloat16": 8}  # elements in 16 bytes
ENOUGH_BLOCKS = 264  # two for each of a large GPU's multiprocessors; a constant, so that sums split alike everywhere
ROUNDS = 16  # of a block's own pixels, at least, before another block is worth its partial sum

SUMS = Program(
    "sums.cu",
    (
        *(f"column_sums<{t}, {vector}>" for t, widest in VECTORS.items() for vector in (1, widest)),
        *(f"sum_splits<{t}>" for t in ("float", "double")),
    ),
    registers=64,
)


def split(pixels: int, tiles: int, depth: int) -> tuple[int, int]:
    """How many pixels each block sums, in whole steps of `depth`, and how many blocks share them.

    A few tiles still fill a GPU. A function of shapes alone, so that sums have the same order on every GPU. There is always one
    split, which for an empty batch sums nothing.
    """
    wanted = max(1, min(ceil_div(ENOUGH_BLOCKS, tiles), ceil_div(pixels, ROUNDS * depth)))
    share = max(ceil_div(ceil_div(pixels, wanted), depth) * depth, depth)
    return share, max(1, ceil_div(pixels, share))


def bias_gradient(grad, mask) -> Any:
    """The sum of (N, H, W, C) over all pixels, where `mask` is absent or positive."""
    partial = launcher_for(grad).empty((column_splits(grad), grad.shape[3]), wide_dtype(grad))
    column_sums(grad, mask, partial)
    return sum_of_splits(partial)


def column_splits(grad) -> int:
    """How many partial sums `column_sums` writes."""
    return split(_rows(grad), ceil_div(grad.shape[3], _columns_a_block(grad)), THREADS // ACROSS)[1]


def column_sums(grad, mask, partial) -> None:
    """Fill `partial` (splits, C) with sums over a share of the pixels each."""
    rows, channels, width = _rows(grad), grad.shape[3], _columns_a_block(grad)
    share, splits = split(rows, ceil_div(channels, width), THREADS // ACROSS)
    run(
        launcher_for(grad),
        SUMS,
        f"column_sums<{cpp_type(grad)}, {width // ACROSS}>",
        grid=(ceil_div(channels, width), splits),
        block=THREADS,
        shared_bytes=THREADS // ACROSS * width * partial.dtype.itemsize,
        arguments=[grad, mask, partial, *map(ctypes.c_int, (rows, channels, share))],
    )


def _columns_a_block(grad) -> int:
    """Eight threads side by side, with 16 bytes of channels each where these divide the channels."""
    vector = VECTORS[cpp_type(grad)]
    return ACROSS * (vector if grad.shape[3] % vector == 0 else 1)


def sum_of_splits(partial) -> Any:
    """The sum along the first axis, in order."""
    if partial.shape[0] == 1:
        return partial[0]
    out = launcher_for(partial).empty(partial.shape[1:], partial.dtype)
    add_splits(partial, out)
    return out


def add_splits(partial, out) -> None:
    """Fill `out` with the sum of `partial` along its first axis, in order."""
    run(
        launcher_for(partial),
        SUMS,
        f"sum_splits<{cpp_type(partial)}>",
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[partial, out, ctypes.c_int(out.size), ctypes.c_int(partial.shape[0])],
    )


def _rows(grad) -> int:
    return grad.shape[0] * grad.shape[1] * grad.shape[2]
