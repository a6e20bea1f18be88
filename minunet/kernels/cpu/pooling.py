"""Max pooling by 2x2 windows that do not overlap, the U-Net's: the four places of the windows as four flat arrays.

Short runs of channels are copied apart first, because comparisons along 16 to 64 values at a time are slow.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import reference
from minunet.kernels.cpu import pool
from minunet.kernels.cpu.arrays import on_cpu
from minunet.kernels.cpu.rows import Rows, deal, divide_rows
from minunet.kernels.cpu.runs import copy_runs
from minunet.kernels.cpu.scratch import scratch
from minunet.kernels.cpu.threads import parallel

CHUNK = 65_536  # values of the input at a time
PER_VALUE = 0.6  # nanoseconds per value of the input
_WHY = "2x2 windows taken apart into four flat arrays"


def _two_by_two(kernel_size, stride, padding) -> bool:
    return tuple(kernel_size) == tuple(stride) == (2, 2) and tuple(padding) == (0, 0)


def _when(x, kernel_size, stride, padding) -> bool:
    return on_cpu(x) and _two_by_two(kernel_size, stride, padding) and x.shape[1] > 1 and x.shape[2] > 1 and x.size > 0


def _cost(x, kernel_size, stride, padding) -> float:
    return PER_VALUE * x.size


@reference.max_pool2d.register("two by two", when=_when, cost=_cost, why=_WHY)
def max_pool2d(x, kernel_size, stride, padding):
    """See `reference.max_pool2d`."""
    x = np.ascontiguousarray(x)
    images, height, width, c = x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
    y = pool.empty((images, height, width, c), x.dtype)
    argmax = pool.empty(y.shape, np.uint8)

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            part = (block.images, slice(block.first, block.last))
            with scratch() as take:
                seen = _by_place(x[block.images], block, height, width)  # (2, 2, N, rows, W, C)
                places = take(seen.shape, x.dtype)
                copy_runs(places, seen)
                places = places.reshape(4, -1)
                _largest(take, places, y[part].reshape(-1), argmax[part].reshape(-1))

    parallel(job, deal(divide_rows(images, height, 4 * width * c, CHUNK)))
    return y, argmax


def _by_place(x: np.ndarray, block: Rows, height: int, width: int) -> np.ndarray:
    """The pixels of whole windows by their place in the window: (N, H, W, C) -> (2, 2, N, rows, W / 2, C)."""
    pixels = x[:, 2 * block.first : 2 * block.last, : 2 * width]
    pixels = pixels.reshape(len(x), block.last - block.first, 2, width, 2, x.shape[3])
    return pixels.transpose(2, 4, 0, 1, 3, 5)


def _largest(take, places: np.ndarray, y: np.ndarray, argmax: np.ndarray) -> None:
    """The largest of four, (4, L) -> (L,), and which it was: the first of equal ones, the first NaN where there is one."""
    top, bottom = take(y.shape, y.dtype), take(y.shape, y.dtype)
    right_top, right_bottom, low = (take(y.shape, np.bool_) for _ in range(3))
    np.greater(places[1], places[0], out=right_top)
    np.greater(places[3], places[2], out=right_bottom)
    np.maximum(places[0], places[1], out=top)
    np.maximum(places[2], places[3], out=bottom)
    np.greater(bottom, top, out=low)
    np.maximum(top, bottom, out=y)
    # 2 low + (right_bottom where low, else right_top), on bytes that are 0 or 1
    column = right_top.view(np.uint8)
    np.bitwise_xor(right_top, right_bottom, out=right_bottom)
    np.bitwise_and(right_bottom, low, out=right_bottom)
    np.bitwise_xor(right_top, right_bottom, out=right_top)
    np.left_shift(low.view(np.uint8), 1, out=argmax)
    np.bitwise_or(argmax, column, out=argmax)
    if np.isnan(y.dot(y)):  # comparisons with NaN are false, so it would not have won
        first_nan = np.isnan(places).argmax(axis=0)
        np.copyto(argmax, first_nan, where=np.isnan(y), casting="unsafe")


def _grad_when(grad_output, argmax, x_shape, kernel_size, stride, padding) -> bool:
    return on_cpu(grad_output) and _two_by_two(kernel_size, stride, padding) and grad_output.size > 0


def _grad_cost(grad_output, argmax, x_shape, kernel_size, stride, padding) -> float:
    return 4 * PER_VALUE * grad_output.size


@reference.max_pool2d_grad.register("two by two", when=_grad_when, cost=_grad_cost, why=_WHY)
def max_pool2d_grad(grad_output, argmax, x_shape, kernel_size, stride, padding):
    """See `reference.max_pool2d_grad`."""
    grad_output, argmax = np.ascontiguousarray(grad_output), np.ascontiguousarray(argmax)
    images, height, width, c = grad_output.shape
    grad_x = pool.empty(x_shape, grad_output.dtype)
    grad_x[:, 2 * height :] = 0  # an odd row or column belongs to no window
    grad_x[:, :, 2 * width :] = 0

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            part = (block.images, slice(block.first, block.last))
            with scratch() as take:
                gradient = grad_output[part].reshape(-1)
                winner = argmax[part].reshape(-1)
                target = _by_place(grad_x[block.images], block, height, width)
                places = take(target.shape, grad_x.dtype)
                flat = places.reshape(4, -1)
                wins = take(winner.shape, np.bool_)
                finite = np.isfinite(gradient.dot(gradient))
                for place in range(4):
                    np.equal(winner, place, out=wins)
                    if finite:
                        np.multiply(gradient, wins, out=flat[place])
                    else:  # infinity times 0 would be NaN
                        flat[place] = 0
                        np.copyto(flat[place], gradient, where=wins)
                copy_runs(target, places)

    parallel(job, deal(divide_rows(images, height, 4 * width * c, CHUNK)))
    return grad_x
