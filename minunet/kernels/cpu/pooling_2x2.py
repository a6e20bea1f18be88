"""Pooling by 2x2 windows that do not overlap, the U-Net's: two rows of pixels at a time, then left and right.

Pixels above each other are compared along whole rows, which are long runs of memory; only what is left of them, half as
much, is taken apart by columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.numpy_arrays import on_cpu
from minunet.kernels.cpu.partition import Rows, deal, divide_rows
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.strided_copy import copy_runs
from minunet.kernels.cpu.threads import parallel

CHUNK = 1 << 20  # values of the image at a time; threads whose calls are short wait for each other
PER_VALUE = 0.3  # nanoseconds per value of the image, measured on Zen 4
_WHY = "2x2 windows: whole rows against each other, then left and right"


def _two_by_two(kernel_size, stride, padding) -> bool:
    return tuple(kernel_size) == tuple(stride) == (2, 2) and tuple(padding) == (0, 0)


def _when(x, kernel_size, stride, padding) -> bool:
    return on_cpu(x) and _two_by_two(kernel_size, stride, padding) and x.shape[1] > 1 and x.shape[2] > 1 and x.size > 0


def _cost(x, kernel_size, stride, padding) -> float:
    return PER_VALUE * x.size


def _max_grad_when(grad_output, argmax, x_shape, kernel_size, stride, padding) -> bool:
    return on_cpu(grad_output) and _two_by_two(kernel_size, stride, padding) and grad_output.size > 0


def _sum_grad_when(grad_output, x_shape, kernel_size, stride, padding) -> bool:
    return _max_grad_when(grad_output, None, x_shape, kernel_size, stride, padding)


def _grad_cost(grad_output, *window) -> float:
    return 4 * PER_VALUE * grad_output.size


def _in_blocks(pooled_shape: tuple[int, ...], work: Callable[[Take, tuple], None]) -> None:
    """Call work(take, place) for blocks of the pooled image, on all threads; `place` indexes images and rows."""
    images, height, width, channels = pooled_shape

    def job(blocks: list[Rows]) -> None:
        for block in blocks:
            with scratch() as take:
                work(take, (block.images, slice(block.first, block.last)))

    parallel(job, deal(divide_rows(images, height, 4 * width * channels, CHUNK)))


def _row_pairs(x: np.ndarray, place: tuple, width: int) -> np.ndarray:
    """The pixels of a block's windows as upper and lower rows: (N, H, W, C) -> (N, rows, 2, 2 * width * C), a view."""
    images, rows = place
    pixels = x[images, 2 * rows.start : 2 * rows.stop, : 2 * width]
    return pixels.reshape(len(pixels), rows.stop - rows.start, 2, 2 * width * x.shape[3])


def _left_and_right(take: Take, values: np.ndarray, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of the columns 0, 2, 4 ... and 1, 3, 5 ...: (N, rows, 2 * width * C) -> two of (N * rows * width * C,)."""
    pairs = values.reshape(*values.shape[:2], -1, 2, channels)  # (N, rows, width, 2, C)
    apart = take((2, *pairs.shape[:3], channels), values.dtype)
    copy_runs(apart, pairs.transpose(3, 0, 1, 2, 4))
    left, right = apart.reshape(2, -1)
    return left, right


def _clear_rest(grad_x: np.ndarray, height: int, width: int) -> None:
    """An odd row or column belongs to no window."""
    grad_x[:, 2 * height :] = 0
    grad_x[:, :, 2 * width :] = 0


@primitives.max_pool2d.register("pooling_2x2", when=_when, cost=_cost, why=_WHY)
def max_pool2d(x, kernel_size, stride, padding):
    """See `primitives.max_pool2d`."""
    x = np.ascontiguousarray(x)
    width, c = x.shape[2] // 2, x.shape[3]
    y = memory_pool.empty((x.shape[0], x.shape[1] // 2, width, c), x.dtype)
    argmax = memory_pool.empty(y.shape, np.uint8)

    def work(take: Take, place: tuple) -> None:
        pixels = _row_pairs(x, place, width)
        largest, low = (take((*pixels.shape[:2], pixels.shape[3]), dtype) for dtype in (x.dtype, np.bool_))
        np.maximum(pixels[:, :, 0], pixels[:, :, 1], out=largest)
        np.greater(pixels[:, :, 1], pixels[:, :, 0], out=low)
        values, rows = _left_and_right(take, largest, c), _left_and_right(take, low, c)
        out, winner = y[place].reshape(-1), argmax[place].reshape(-1)
        np.maximum(*values, out=out)
        _winner(take, values, rows, winner)
        if np.isnan(out.dot(out)):  # comparisons with NaN are false, so it has not won
            windows = pixels.reshape(*pixels.shape[:3], width, 2, c).transpose(2, 4, 0, 1, 3, 5)
            first_nan = np.isnan(windows).reshape(4, -1).argmax(axis=0)
            np.copyto(winner, first_nan, where=np.isnan(out), casting="unsafe")

    _in_blocks(y.shape, work)
    return y, argmax


def _winner(take: Take, values: tuple, rows: tuple, out: np.ndarray) -> None:
    """The place of the first of the largest, 2 * row + column, given the larger value and its row for both columns.

    The right column wins if its value is larger, or equal but higher up: (0, 1) comes before (1, 0).
    """
    (left, right), (left_row, right_row) = values, rows
    wins, higher = take(left.shape, np.bool_), take(left.shape, np.bool_)
    np.greater_equal(right, left, out=wins)
    np.greater(left_row, right_row, out=higher)
    np.bitwise_and(higher, wins, out=higher)
    np.greater(right, left, out=wins)
    np.bitwise_or(wins, higher, out=wins)
    # row = right_row where the right wins, else left_row
    np.bitwise_xor(left_row, right_row, out=right_row)
    np.bitwise_and(right_row, wins, out=right_row)
    np.bitwise_xor(left_row, right_row, out=left_row)
    np.left_shift(left_row.view(np.uint8), 1, out=out)
    np.bitwise_or(out, wins.view(np.uint8), out=out)


@primitives.max_pool2d_grad.register("pooling_2x2", when=_max_grad_when, cost=_grad_cost, why=_WHY)
def max_pool2d_grad(grad_output, argmax, x_shape, kernel_size, stride, padding):
    """See `primitives.max_pool2d_grad`."""
    grad_output, argmax = np.ascontiguousarray(grad_output), np.ascontiguousarray(argmax)
    _, height, width, c = grad_output.shape
    grad_x = memory_pool.empty(x_shape, grad_output.dtype)
    _clear_rest(grad_x, height, width)

    def work(take: Take, place: tuple) -> None:
        target = _row_pairs(grad_x, place, width)
        gradient = _both_columns(take, grad_output[place])
        winner = take((*target.shape[:2], width, 2, c), np.uint8)
        copy_runs(winner[:, :, :, 0], argmax[place])
        # Now a pixel of row r has won where there is 2 r, on the right as on the left.
        before = take(argmax[place].shape, np.uint8)
        np.subtract(argmax[place], 1, out=before)
        copy_runs(winner[:, :, :, 1], before)
        winner = winner.reshape(gradient.shape)
        wins = take(winner.shape, np.bool_)
        flat = grad_output[place].reshape(-1)
        finite = np.isfinite(flat.dot(flat))
        for row in range(2):
            np.equal(winner, 2 * row, out=wins)
            if finite:
                np.multiply(gradient, wins, out=target[:, :, row])
            else:  # infinity times 0 would be NaN
                target[:, :, row] = 0
                np.copyto(target[:, :, row], gradient, where=wins)

    _in_blocks(grad_output.shape, work)
    return grad_x


def _both_columns(take: Take, gradient: np.ndarray) -> np.ndarray:
    """Every pixel twice, side by side: (N, rows, width, C) -> (N, rows, 2 * width * C)."""
    images, rows, width, c = gradient.shape
    twice = take((images, rows, width, 2, c), gradient.dtype)
    for column in range(2):  # faster than one copy from a broadcast view
        copy_runs(twice[:, :, :, column], gradient)
    return twice.reshape(images, rows, -1)


def _pooled(combine: np.ufunc, x: np.ndarray) -> np.ndarray:
    """Windows of 2x2 with `combine` between their rows, then between their columns."""
    x = np.ascontiguousarray(x)
    width, c = x.shape[2] // 2, x.shape[3]
    y = memory_pool.empty((x.shape[0], x.shape[1] // 2, width, c), x.dtype)

    def work(take: Take, place: tuple) -> None:
        pixels = _row_pairs(x, place, width)
        rows = take((*pixels.shape[:2], pixels.shape[3]), x.dtype)
        combine(pixels[:, :, 0], pixels[:, :, 1], out=rows)
        combine(*_left_and_right(take, rows, c), out=y[place].reshape(-1))

    _in_blocks(y.shape, work)
    return y


@primitives.max_pool2d_values.register("pooling_2x2", when=_when, cost=_cost, why=_WHY)
def max_pool2d_values(x, kernel_size, stride, padding):
    """See `primitives.max_pool2d_values`."""
    return _pooled(np.maximum, x)


@primitives.sum_pool2d.register("pooling_2x2", when=_when, cost=_cost, why=_WHY)
def sum_pool2d(x, kernel_size, stride, padding):
    """See `primitives.sum_pool2d`."""
    return _pooled(np.add, x)


@primitives.sum_pool2d_grad.register("pooling_2x2", when=_sum_grad_when, cost=_grad_cost, why=_WHY)
def sum_pool2d_grad(grad_output, x_shape, kernel_size, stride, padding):
    """See `primitives.sum_pool2d_grad`."""
    grad_output = np.ascontiguousarray(grad_output)
    _, height, width, _ = grad_output.shape
    grad_x = memory_pool.empty(x_shape, grad_output.dtype)
    _clear_rest(grad_x, height, width)

    def work(take: Take, place: tuple) -> None:
        np.copyto(_row_pairs(grad_x, place, width), _both_columns(take, grad_output[place])[:, :, None])

    _in_blocks(grad_output.shape, work)
    return grad_x
