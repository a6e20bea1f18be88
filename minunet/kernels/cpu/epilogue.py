"""The epilogue of a convolution: bias and ReLU after the products, and the ReLU's mask on the gradient.

Both are done on whole rows of pixels, because NumPy is slow on rows as short as the channels of one pixel.
"""

from __future__ import annotations

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
    masked = allocate(gradient.shape, gradient.dtype)
    if output.dtype == np.bool_:
        do(_mask_by_active, gradient, output, masked)
    else:
        do(_mask, gradient, output, masked, allocate(gradient.shape, np.bool_))
    return masked


def _mask(gradient: np.ndarray, output: np.ndarray, masked: np.ndarray, active: np.ndarray) -> None:
    np.greater(output, 0, out=active)
    _mask_by_active(gradient, active, masked)


def _mask_by_active(gradient: np.ndarray, active: np.ndarray, masked: np.ndarray) -> None:
    # Infinity times 0 is NaN, but must become 0 too. The sum of squares, which is cheap, shows whether there is any;
    # selecting values with a mask is slow.
    with np.errstate(invalid="ignore", over="ignore"):
        np.multiply(gradient, active, out=masked)
        flat = masked.reshape(-1)
        all_finite = np.isfinite(flat.dot(flat))
    if not all_finite:
        masked[~active] = 0


def add_row_sums(total: np.ndarray, values: np.ndarray) -> None:
    """Add the sum of values (..., O) over all pixels to a total (O,)."""
    do(_add_row_sums, total, values)


def _add_row_sums(total: np.ndarray, values: np.ndarray) -> None:
    total += primitives.sum_rows(values.reshape(-1, total.size))


def sum_of_squares(values: np.ndarray) -> np.floating:
    """Of a vector: NaN where it holds a NaN, else infinite where it holds an infinity or squares overflow."""
    with np.errstate(over="ignore"):
        return values.dot(values)
