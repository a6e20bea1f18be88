"""Pooling by 2x2 windows that do not overlap, as in the U-Net: first the two rows of each window, then left and right.

Upper and lower pixels are combined along whole rows of the image, which are contiguous in memory. Only the result, half as
large, is separated into left and right columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.array_types import are_numpy_floats
from minunet.kernels.cpu.epilogue import sum_of_squares
from minunet.kernels.cpu.partition import parallel_blocks, row_blocks
from minunet.kernels.cpu.recorder import clear, do, maximum, result_array
from minunet.kernels.cpu.recording import recorded
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.strided_copy import copy_strided
from minunet.kernels.primitives.windows import IntPair

VALUES_PER_BLOCK = 1 << 20  # of the image; threads whose calls are short wait for each other
PER_VALUE = 2.0  # nanoseconds of one core per value of the image, measured on an Ice Lake Xeon
_WHY = "2x2 windows: upper and lower rows first, then left and right"

Index = tuple[slice, slice]  # of a block of the pooled image: images, rows


def _is_2x2(kernel_size: IntPair, stride: IntPair, padding: IntPair) -> bool:
    return tuple(kernel_size) == tuple(stride) == (2, 2) and tuple(padding) == (0, 0)


def _applies(x: np.ndarray, *window: IntPair) -> bool:
    return are_numpy_floats(x) and _is_2x2(*window) and x.shape[1] > 1 and x.shape[2] > 1 and x.size > 0


def _cost(x: np.ndarray, *window: IntPair) -> float:
    return PER_VALUE * x.size


def _max_grad_applies(grad_output: np.ndarray, argmax: np.ndarray, x_shape: tuple[int, ...], *window: IntPair) -> bool:
    return _sum_grad_applies(grad_output, x_shape, *window)


def _sum_grad_applies(grad_output: np.ndarray, x_shape: tuple[int, ...], *window: IntPair) -> bool:
    return are_numpy_floats(grad_output) and _is_2x2(*window) and grad_output.size > 0


def _grad_cost(grad_output: np.ndarray, *_: object) -> float:
    return 4 * PER_VALUE * grad_output.size


def _in_blocks(pooled_shape: tuple[int, ...], work: Callable[[Allocate, Index], None]) -> None:
    """Call work(allocate, index) for blocks of the pooled image, on all threads."""
    images, height, width, channels = pooled_shape
    blocks = row_blocks(images, height, 4 * width * channels, VALUES_PER_BLOCK)
    parallel_blocks(lambda allocate, block: work(allocate, block.index), blocks)


def _row_pairs(x: np.ndarray, index: Index, width: int) -> np.ndarray:
    """The pixels of a block's windows as upper and lower rows: (N, H, W, C) -> (N, rows, 2, 2 * width * C), a view."""
    images, rows = index
    pixels = x[images, 2 * rows.start : 2 * rows.stop, : 2 * width]
    return pixels.reshape(len(pixels), rows.stop - rows.start, 2, 2 * width * x.shape[3])


def _left_and_right(allocate: Allocate, values: np.ndarray, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of the columns 0, 2, 4 ... and 1, 3, 5 ...: (N, rows, 2 * width * C) -> two of (N * rows * width * C,)."""
    pairs = values.reshape(*values.shape[:2], -1, 2, channels)  # (N, rows, width, 2, C)
    separated = allocate((2, *pairs.shape[:3], channels), values.dtype)
    copy_strided(separated, pairs.transpose(3, 0, 1, 2, 4))
    left, right = separated.reshape(2, -1)
    return left, right


def _clear_uncovered(grad_x: np.ndarray, height: int, width: int) -> None:
    """Zero the last row or column of an image with an odd side: no window covers it."""
    clear(grad_x[:, 2 * height :])
    clear(grad_x[:, :, 2 * width :])


@primitives.max_pool2d.register("pooling_2x2", when=_applies, cost=_cost, why=_WHY)
@recorded(_cost)
def max_pool2d(x: np.ndarray, *window: IntPair) -> tuple[np.ndarray, np.ndarray]:
    """See `primitives.max_pool2d`."""
    x = np.ascontiguousarray(x)
    width, c = x.shape[2] // 2, x.shape[3]
    y = result_array((x.shape[0], x.shape[1] // 2, width, c), x.dtype)
    argmax = result_array(y.shape, np.uint8)

    def work(allocate: Allocate, index: Index) -> None:
        pixels = _row_pairs(x, index, width)
        shape = (*pixels.shape[:2], pixels.shape[3])
        largest, lower_wins = allocate(shape, x.dtype), allocate(shape, np.bool_)
        do(maximum, pixels[:, :, 0], pixels[:, :, 1], largest)
        do(np.greater, pixels[:, :, 1], pixels[:, :, 0], lower_wins)
        values, rows = _left_and_right(allocate, largest, c), _left_and_right(allocate, lower_wins, c)
        out, winner = y[index].reshape(-1), argmax[index].reshape(-1)
        do(maximum, *values, out)
        _write_winner(allocate, values, rows, winner)
        # (N, rows, 2, 2 * width * C) -> (2 down, 2 across, N, rows, width, C)
        windows = pixels.reshape(*pixels.shape[:3], width, 2, c).transpose(2, 4, 0, 1, 3, 5)
        do(_let_nan_win, windows, out, winner)

    _in_blocks(y.shape, work)
    return y, argmax


def _let_nan_win(windows: np.ndarray, out: np.ndarray, winner: np.ndarray) -> None:
    """Comparisons with NaN are false, so a NaN has not won yet."""
    if np.isnan(sum_of_squares(out)):
        first_nan = np.isnan(windows).reshape(4, -1).argmax(axis=0)
        np.copyto(winner, first_nan, where=np.isnan(out), casting="unsafe")


def _write_winner(
    allocate: Allocate, values: tuple[np.ndarray, np.ndarray], rows: tuple[np.ndarray, np.ndarray], out: np.ndarray
) -> None:
    """The position of the first of the largest pixels in a window, 2 * row + column.

    Given are the larger value of the left and of the right column, and the row it is in. The right column wins if its
    value is larger, or if it is equal and in a higher row: (0, 1) comes before (1, 0).
    """
    (left, right), (left_row, right_row) = values, rows
    right_wins, right_is_higher = allocate(left.shape, np.bool_), allocate(left.shape, np.bool_)
    do(np.greater_equal, right, left, right_wins)
    do(np.greater, left_row, right_row, right_is_higher)
    do(np.bitwise_and, right_is_higher, right_wins, right_is_higher)
    do(np.greater, right, left, right_wins)
    do(np.bitwise_or, right_wins, right_is_higher, right_wins)
    # row = right_row where the right wins, else left_row
    do(np.bitwise_xor, left_row, right_row, right_row)
    do(np.bitwise_and, right_row, right_wins, right_row)
    do(np.bitwise_xor, left_row, right_row, left_row)
    do(np.left_shift, left_row.view(np.uint8), 1, out)
    do(np.bitwise_or, out, right_wins.view(np.uint8), out)


@primitives.max_pool2d_grad.register("pooling_2x2", when=_max_grad_applies, cost=_grad_cost, why=_WHY)
@recorded(_grad_cost)
def max_pool2d_grad(
    grad_output: np.ndarray, argmax: np.ndarray, x_shape: tuple[int, ...], *window: IntPair
) -> np.ndarray:
    """See `primitives.max_pool2d_grad`."""
    grad_output, argmax = np.ascontiguousarray(grad_output), np.ascontiguousarray(argmax)
    _, height, width, c = grad_output.shape
    grad_x = result_array(x_shape, grad_output.dtype)
    _clear_uncovered(grad_x, height, width)

    def work(allocate: Allocate, index: Index) -> None:
        target = _row_pairs(grad_x, index, width)
        gradient = _both_columns(allocate, grad_output[index])
        winner = allocate((*target.shape[:2], width, 2, c), np.uint8)
        copy_strided(winner[:, :, :, 0], argmax[index])
        # For the right column less 1: a pixel of row r has then won where `winner` is 2 r, on the left as on the right.
        less_1 = allocate(argmax[index].shape, np.uint8)
        do(np.subtract, argmax[index], 1, less_1)
        copy_strided(winner[:, :, :, 1], less_1)
        winner = winner.reshape(gradient.shape)
        has_won = allocate(winner.shape, np.bool_)
        do(_give_to_winners, grad_output[index].reshape(-1), gradient, winner, has_won, target)

    _in_blocks(grad_output.shape, work)
    return grad_x


def _give_to_winners(
    flat: np.ndarray, gradient: np.ndarray, winner: np.ndarray, has_won: np.ndarray, target: np.ndarray
) -> None:
    """Write the gradient to the pixels that have won, in the upper and then in the lower rows; `flat` has its values once."""
    is_finite = np.isfinite(sum_of_squares(flat))
    for row in range(2):
        np.equal(winner, 2 * row, out=has_won)
        if is_finite:
            np.multiply(gradient, has_won, out=target[:, :, row])
        else:  # infinity times 0 would be NaN
            target[:, :, row] = 0
            np.copyto(target[:, :, row], gradient, where=has_won)


def _both_columns(allocate: Allocate, gradient: np.ndarray) -> np.ndarray:
    """Every pixel twice, side by side: (N, rows, width, C) -> (N, rows, 2 * width * C)."""
    images, rows, width, c = gradient.shape
    twice = allocate((images, rows, width, 2, c), gradient.dtype)
    for column in range(2):  # faster than one copy from a broadcast view
        copy_strided(twice[:, :, :, column], gradient)
    return twice.reshape(images, rows, -1)


def _write(combine: np.ufunc, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    combine(a, b, out=out)


def _pool(combine: np.ufunc, x: np.ndarray) -> np.ndarray:
    """`combine` the rows of each 2x2 window, then its columns."""
    x = np.ascontiguousarray(x)
    width, c = x.shape[2] // 2, x.shape[3]
    y = result_array((x.shape[0], x.shape[1] // 2, width, c), x.dtype)

    def work(allocate: Allocate, index: Index) -> None:
        pixels = _row_pairs(x, index, width)
        combined = allocate((*pixels.shape[:2], pixels.shape[3]), x.dtype)
        do(_write, combine, pixels[:, :, 0], pixels[:, :, 1], combined)
        do(_write, combine, *_left_and_right(allocate, combined, c), y[index].reshape(-1))

    _in_blocks(y.shape, work)
    return y


@primitives.max_pool2d_values.register("pooling_2x2", when=_applies, cost=_cost, why=_WHY)
@recorded(_cost)
def max_pool2d_values(x: np.ndarray, *window: IntPair) -> np.ndarray:
    """See `primitives.max_pool2d_values`."""
    return _pool(np.maximum, x)


@primitives.sum_pool2d.register("pooling_2x2", when=_applies, cost=_cost, why=_WHY)
@recorded(_cost)
def sum_pool2d(x: np.ndarray, *window: IntPair) -> np.ndarray:
    """See `primitives.sum_pool2d`."""
    return _pool(np.add, x)


@primitives.sum_pool2d_grad.register("pooling_2x2", when=_sum_grad_applies, cost=_grad_cost, why=_WHY)
@recorded(_grad_cost)
def sum_pool2d_grad(grad_output: np.ndarray, x_shape: tuple[int, ...], *window: IntPair) -> np.ndarray:
    """See `primitives.sum_pool2d_grad`."""
    grad_output = np.ascontiguousarray(grad_output)
    _, height, width, _ = grad_output.shape
    grad_x = result_array(x_shape, grad_output.dtype)
    _clear_uncovered(grad_x, height, width)

    def work(allocate: Allocate, index: Index) -> None:
        do(np.copyto, _row_pairs(grad_x, index, width), _both_columns(allocate, grad_output[index])[:, :, None])

    _in_blocks(grad_output.shape, work)
    return grad_x
