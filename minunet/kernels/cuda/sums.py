"""Launches sums in a fixed order, and decides how many blocks share a sum over pixels. The kernels are in sums.cu.

A sum over all pixels is split: each block sums some of the pixels, and a second kernel adds these partial sums (the splits).
"""

from __future__ import annotations

import ctypes

from minunet.kernels.backend import Array
from minunet.kernels.cuda.costs import MULTIPROCESSORS
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.dtypes import ceil_div, cpp_type, wide_dtype
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program

THREADS, ACROSS = 256, 8  # as in sums.cu
VECTORS = {"float": 4, "double": 2, "bfloat16": 8}  # elements in 16 bytes
ENOUGH_BLOCKS = 2 * MULTIPROCESSORS
MIN_ROUNDS = 16  # steps of a block over its own pixels, before one more block is worth its partial sum

SUMS = Program(
    "sums.cu",
    (
        *(f"column_sums<{t}, {vector}>" for t, widest in VECTORS.items() for vector in (1, widest)),
        *(f"sum_splits<{t}>" for t in ("float", "double")),
    ),
    registers=64,
)


def split(pixels: int, tiles: int, depth: int) -> tuple[int, int]:
    """How many pixels each block sums, a multiple of `depth`, and how many blocks share the pixels.

    There are enough blocks to fill a GPU even with few tiles. The result depends only on shapes, so that sums have the same order
    on every GPU. There is always at least one split; for an empty batch it is zero.
    """
    blocks = max(1, min(ceil_div(ENOUGH_BLOCKS, tiles), ceil_div(pixels, MIN_ROUNDS * depth)))
    share = max(ceil_div(ceil_div(pixels, blocks), depth) * depth, depth)
    return share, max(1, ceil_div(pixels, share))


def bias_gradient(grad: Array, mask: Array | None) -> Array:
    """The sum of (N, H, W, C) over the pixels. Where `mask`, of the same shape, is not positive, the gradient counts as zero."""
    partial = launcher_for(grad).empty((column_splits(grad), grad.shape[3]), wide_dtype(grad))
    column_sums(grad, mask, partial)
    return sum_of_splits(partial)


def column_splits(grad: Array) -> int:
    """How many partial sums `column_sums` writes."""
    return split(_rows(grad), ceil_div(grad.shape[3], _block_columns(grad)), THREADS // ACROSS)[1]


def column_sums(grad: Array, mask: Array | None, partial: Array) -> None:
    """Fill `partial` (splits, C): each row is a sum over a part of the pixels."""
    rows, channels, width = _rows(grad), grad.shape[3], _block_columns(grad)
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


def _block_columns(grad: Array) -> int:
    """Channels of a block of 8 threads side by side: 16 bytes for each thread if that divides the channels, else one channel."""
    vector = VECTORS[cpp_type(grad)]
    return ACROSS * (vector if grad.shape[3] % vector == 0 else 1)


def sum_of_splits(partial: Array) -> Array:
    """The sum along the first axis, in order."""
    if partial.shape[0] == 1:
        return partial[0]
    out = launcher_for(partial).empty(partial.shape[1:], partial.dtype)
    add_splits(partial, out)
    return out


def add_splits(partial: Array, out: Array) -> None:
    """Fill `out` with the sum of `partial` along its first axis, in order."""
    run(
        launcher_for(partial),
        SUMS,
        f"sum_splits<{cpp_type(partial)}>",
        grid=(ceil_div(out.size, THREADS),),
        block=THREADS,
        arguments=[partial, out, ctypes.c_int(out.size), ctypes.c_int(partial.shape[0])],
    )


def _rows(grad: Array) -> int:
    return grad.shape[0] * grad.shape[1] * grad.shape[2]
