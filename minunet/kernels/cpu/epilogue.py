"""The epilogue of a convolution: bias and ReLU after the products, and the ReLU's mask on the gradient.

Both are done on whole rows of pixels, because NumPy is slow on rows as short as the channels of one pixel.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu.recorder import clear, do, temporary
from minunet.kernels.cpu.scratch import Allocate


def bias_row(bias: np.ndarray | None, pixels: int) -> np.ndarray | None:
    """The bias repeated for a row of pixels, (O,) -> (pixels * O,); None for no bias."""
    if bias is None:
        return None
    row = temporary((pixels, bias.size), bias.dtype)
    do(np.copyto, row, bias)
    return row.reshape(-1)


def add_bias(values: np.ndarray, row: np.ndarray | None) -> None:
    """Add a `bias_row` to every row of pixels of a C-contiguous array (..., O), in place."""
    if row is not None:
        rows = values.reshape(-1, row.size)
        do(np.add, rows, row, rows)


def zeros(allocate: Allocate, length: int, dtype: np.dtype) -> np.ndarray:
    """Zeros for a ReLU of rows of this length: np.maximum is 1.4 to 2 times as fast against an array as against a number."""
    array = allocate((length,), dtype)
    clear(array)
    return array


def masked_gradient(allocate: Allocate, gradient: np.ndarray, output: np.ndarray | None) -> np.ndarray:
    """The gradient where a fused ReLU was active (output > 0), else 0; `output` is None where there is no ReLU.

    In the place of the output may be an array that says where it is positive.
    """
    if output is None:
        return gradient
    masked, signs = allocate(gradient.shape, gradient.dtype), allocate(gradient.shape, np.int8)
    is_active = output
    if output.dtype != np.bool_:
        is_active = signs.view(np.bool_)
        do(np.greater, output, 0, is_active)
    # On the bits of the numbers: all of them where the ReLU was active, else the sign alone, which is what a product with 0 gives.
    # A product would make NaN of infinity, and selecting values with a mask is slow.
    integer = np.dtype(f"i{gradient.itemsize}")
    bits = masked.view(integer)
    do(np.negative, is_active.view(np.int8), signs)  # -1 or 0, all bits or none
    do(np.copyto, bits, signs)
    do(np.bitwise_or, bits, np.iinfo(integer).min, bits)
    do(np.bitwise_and, bits, gradient.view(integer), bits)
    return masked


def add_row_sums(total: np.ndarray, values: np.ndarray) -> None:
    """Add the sum of values (..., O) over all pixels to a total (O,), which is 0 at first: as `primitives.sum_rows` does."""
    columns = total.size
    rows = values.size // columns
    block = math.isqrt(rows)
    if block < 2 or not values.flags.c_contiguous:
        do(_add_row_sums, total, values)
        return
    matrix = values.reshape(rows, columns)
    partial, sums = temporary((block * columns,), values.dtype), temporary((columns,), values.dtype)
    whole = rows // block * block
    do(np.add.reduce, matrix[:whole].reshape(-1, block * columns), 0, None, partial)
    do(np.add.reduce, partial.reshape(block, columns), 0, None, sums)
    if whole < rows:
        rest = temporary((columns,), values.dtype)
        do(np.add.reduce, matrix[whole:], 0, None, rest)
        do(np.add, sums, rest, sums)
    do(np.add, total, sums, total)


def _add_row_sums(total: np.ndarray, values: np.ndarray) -> None:
    total += primitives.sum_rows(values.reshape(-1, total.size))


def sum_of_squares(values: np.ndarray) -> np.floating:
    """Of a vector: NaN where it holds a NaN, else infinite where it holds an infinity or squares overflow."""
    with np.errstate(over="ignore"):
        return values.dot(values)
