"""Up-convolution whose stamps do not overlap (kernel = stride): one matrix product and a copy of long runs.

A pixel of C channels times a matrix (C, kh * kw * O) is its whole stamp. Row i of the stamps of a row of pixels is
row i of as many rows of the output, so that stamps are copied kw * O values at a time.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.matmul import multiply, multiply_cost, run
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.partition import Rows, deal, divide_rows, even_parts, sum_in_order
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.cpu.threads import parallel

CHUNK = 1 << 19  # values of stamps at a time; threads whose calls are short wait for each other
CHANNELS_PER_JOB = 64
MOST_PAIRS_BY_ROWS = 128 * 512  # a larger gradient of the weight is not kept once per job, but computed in blocks
LONGEST_TURNED = 640  # longer products are packed by the BLAS, to which it is one whether an operand lies transposed
PER_VALUE = 0.3  # nanoseconds to copy one value of a stamp
PER_CALL = 30_000.0

_WHY = "kernel equals stride: one matrix product, then a pixel shuffle"


def _tiles(x, weight, stride, padding) -> bool:
    return weight.shape[:2] == tuple(stride) and tuple(padding) == (0, 0) and x.size > 0


def _when(x, weight, bias, stride, padding) -> bool:
    return on_cpu(x, weight, bias) and _tiles(x, weight, stride, padding)


def _cost(x, weight, bias, stride, padding) -> float:
    c, stamp = weight.shape[2], weight[:, :, 0].size
    pixels = x.size // c
    return PER_CALL + PER_VALUE * pixels * stamp + multiply_cost(pixels, c, stamp)


@primitives.conv_transpose2d.register("subpixel", when=_when, cost=_cost, why=_WHY)
def conv_transpose2d(x, weight, bias, stride, padding):
    """See `primitives.conv_transpose2d`."""
    x = np.ascontiguousarray(x)
    images, height, width, c = x.shape
    kh, kw, _, o = weight.shape
    kernel = _stamps_of_channels(weight)
    y = memory_pool.empty((images, height * kh, width * kw, o), x.dtype)
    by_row = y.reshape(images, height, kh, width, kw * o)
    # A whole row of stamps, because ufuncs are slow on rows as short as one.
    bias_row = None if bias is None else np.tile(bias, width * kh * kw)

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            with scratch() as take:
                pixels = x[block.images, block.first : block.last].reshape(1, -1, c)
                stamps = take((1, pixels.shape[1], kh * kw * o), x.dtype)
                run(multiply(pixels, kernel[None], stamps))
                if bias_row is not None:
                    rows = stamps.reshape(-1, bias_row.size)
                    rows += bias_row
                target = by_row[block.images, block.first : block.last]
                # (N, rows, W, kh, kw * O) -> (N, rows, kh, W, kw * O)
                copy_runs(target, stamps.reshape(*target.shape[:2], width, kh, kw * o).transpose(0, 1, 3, 2, 4))

    parallel(job, deal(divide_rows(images, height, width * kh * kw * o, CHUNK)))
    return y


def _stamps_of_channels(weight: np.ndarray) -> np.ndarray:
    """(kh, kw, C, O) -> (C, kh * kw * O): the stamp of each input channel as one row."""
    return memory_pool.copy(weight.transpose(2, 0, 1, 3)).reshape(weight.shape[2], -1)


def _grads_when(grad_output, x, weight, stride, padding, needs) -> bool:
    return on_cpu(grad_output, x, weight) and _tiles(x, weight, stride, padding)


def _grads_cost(grad_output, x, weight, stride, padding, needs) -> float:
    return _cost(x, weight, None, stride, padding) * (1 + needs[1])


@primitives.conv_transpose2d_grads.register("subpixel", when=_grads_when, cost=_grads_cost, why=_WHY)
def conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs):
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    x, grad_output = np.ascontiguousarray(x), np.ascontiguousarray(grad_output)
    images, height, width, c = x.shape
    kh, kw, _, o = weight.shape
    stamp = kh * kw * o
    kernel = _stamps_of_channels(weight).T  # (kh * kw * O, C)
    if stamp <= LONGEST_TURNED:
        kernel = memory_pool.copy(kernel)
    by_row = grad_output.reshape(images, height, kh, width, kw * o)
    grad_x = memory_pool.empty(x.shape, x.dtype) if needs_x else None
    in_blocks = needs_weight and c * stamp > MOST_PAIRS_BY_ROWS
    # Where the weight's gradient comes in blocks of channels, each needs the stamps of all pixels.
    kept = memory_pool.empty((images, height, width, stamp), x.dtype) if in_blocks else None

    def job(blocks: list[Rows]):
        grad_weight = memory_pool.zeros((c, stamp), x.dtype) if needs_weight and not in_blocks else None
        grad_bias = np.zeros(stamp, x.dtype)
        for block in blocks:
            with scratch() as take:
                seen = by_row[block.images, block.first : block.last].transpose(0, 1, 3, 2, 4)
                if kept is None:
                    stamps = take(seen.shape, x.dtype)
                else:
                    stamps = kept[block.images, block.first : block.last].reshape(seen.shape)
                copy_runs(stamps, seen)  # (N, rows, W, kh, kw * O)
                stamps = stamps.reshape(1, -1, stamp)
                if grad_x is not None:
                    target = grad_x[block.images, block.first : block.last].reshape(1, -1, c)
                    run(multiply(stamps, kernel[None], target))
                if grad_weight is not None:
                    pixels = x[block.images, block.first : block.last].reshape(1, -1, c)
                    new = take((1, c, stamp), x.dtype)
                    run(multiply(pixels.transpose(0, 2, 1), stamps, new))  # (C, pixels) @ (pixels, stamp)
                    grad_weight += new[0]
                if needs_bias:
                    grad_bias += primitives.sum_rows(stamps[0])
        return grad_weight, grad_bias

    parts = parallel(job, deal(divide_rows(images, height, width * stamp, CHUNK)))
    grad_weight = grad_bias = None
    if in_blocks:
        grad_weight = _in_blocks(x.reshape(-1, c), kept.reshape(-1, stamp))
    elif needs_weight:
        grad_weight = sum_in_order([part[0] for part in parts])
    if needs_weight:  # (C, kh * kw * O) -> (kh, kw, C, O)
        grad_weight = memory_pool.copy(grad_weight.reshape(c, kh, kw, o).transpose(1, 2, 0, 3))
    if needs_bias:
        grad_bias = sum_in_order([part[1] for part in parts]).reshape(kh * kw, o).sum(axis=0)
    return grad_x, grad_weight, grad_bias


def _in_blocks(pixels: np.ndarray, stamps: np.ndarray) -> np.ndarray:
    """(pixels, C)^T @ (pixels, stamp) by blocks of channels."""
    product = memory_pool.empty((pixels.shape[1], stamps.shape[1]), pixels.dtype)

    def job(part: tuple[int, int]) -> None:
        block = slice(part[0], sum(part))
        run(multiply(pixels[:, block].T[None], stamps[None], product[None, block]))

    parallel(job, even_parts(pixels.shape[1], CHANNELS_PER_JOB))
    return product
