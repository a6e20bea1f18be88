"""Max and sum pooling with their gradients; average pooling is a sum and a division."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.backend import Array, array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.windows import IntPair, kernel_offsets, out_size, pad_image, symmetric


def argmax_dtype(kernel_size: IntPair) -> np.dtype:
    """The smallest integer type that can number the pixels of a window."""
    return np.dtype(np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.uint16)


def _pooled(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> ArraySpec:
    n, h, w, c = x.shape
    return ArraySpec((n, *out_size((h, w), kernel_size, stride, symmetric(padding)), c), x.dtype)


def _pooled_and_argmax(
    x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> tuple[ArraySpec, ArraySpec]:
    y = _pooled(x, kernel_size, stride, padding)
    return y, ArraySpec(y.shape, argmax_dtype(kernel_size))


@primitive(result_spec=_pooled_and_argmax)
def max_pool2d(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> tuple[Array, Array]:
    """The largest value in each window and its index in the window, row-major; the first of equal values wins.

    Padding counts as minus infinity but never wins, not even over an image of minus infinities. NaN wins over
    everything, so that a diverged training is seen.
    """
    xp = array_module(x)
    (_, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    out_h, out_w = out_size(x.shape[1:3], kernel_size, stride, symmetric(padding))
    padded = pad_image(x, symmetric(padding), -np.inf)
    # The winner to begin with: the first pixel of the window that is in the image.
    first_row = np.maximum(ph - np.arange(out_h) * sh, 0)[:, None, None]
    first_column = np.maximum(pw - np.arange(out_w) * sw, 0)[:, None]
    argmax = xp.empty((x.shape[0], out_h, out_w, x.shape[3]), dtype=argmax_dtype(kernel_size))
    argmax[...] = xp.asarray(first_row * kw + first_column)
    y = xp.full(argmax.shape, -np.inf, dtype=x.dtype)
    for i, j, rows, columns in kernel_offsets(kernel_size, stride, (out_h, out_w)):
        seen = padded[:, rows, columns]
        wins = (seen > y) | ((seen != seen) & (y == y))
        y = xp.where(wins, seen, y)
        argmax[wins] = i * kw + j
    return y, argmax


@primitive(result_spec=_pooled)
def max_pool2d_values(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> Array:
    """The values of `max_pool2d` without their indices; enough when no gradient is needed."""
    return max_pool2d.reference(x, kernel_size, stride, padding)[0]


@primitive(result_spec=lambda grad_output, argmax, x_shape, *window: ArraySpec(x_shape, grad_output.dtype))
def max_pool2d_grad(
    grad_output: Array, argmax: Array, x_shape: tuple[int, ...], kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> Array:
    """The gradient goes to the winner of each window, summed where windows overlap."""
    xp = array_module(grad_output)
    padded = _padded_zeros(xp, x_shape, padding, grad_output.dtype)
    for i, j, rows, columns in kernel_offsets(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += xp.where(argmax == i * kernel_size[1] + j, grad_output, 0)
    return _crop(padded, x_shape, padding)


@primitive(result_spec=_pooled)
def sum_pool2d(x: Array, kernel_size: IntPair, stride: IntPair, padding: IntPair) -> Array:
    """The sum of each window; padding counts as zero."""
    xp = array_module(x)
    size = out_size(x.shape[1:3], kernel_size, stride, symmetric(padding))
    padded = pad_image(x, symmetric(padding))
    y = xp.zeros((x.shape[0], *size, x.shape[3]), dtype=x.dtype)
    for _, _, rows, columns in kernel_offsets(kernel_size, stride, size):
        y += padded[:, rows, columns]
    return y


@primitive(result_spec=lambda grad_output, x_shape, *window: ArraySpec(x_shape, grad_output.dtype))
def sum_pool2d_grad(
    grad_output: Array, x_shape: tuple[int, ...], kernel_size: IntPair, stride: IntPair, padding: IntPair
) -> Array:
    """Every pixel of a window receives the window's gradient."""
    xp = array_module(grad_output)
    padded = _padded_zeros(xp, x_shape, padding, grad_output.dtype)
    for _, _, rows, columns in kernel_offsets(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += grad_output
    return _crop(padded, x_shape, padding)


def _padded_zeros(xp: ModuleType, x_shape: tuple[int, ...], padding: IntPair, dtype: np.dtype) -> Array:
    (ph, pw), (n, h, w, c) = padding, x_shape
    return xp.zeros((n, h + 2 * ph, w + 2 * pw, c), dtype)


def _crop(padded: Array, x_shape: tuple[int, ...], padding: IntPair) -> Array:
    (ph, pw), (_, h, w, _) = padding, x_shape
    return array_module(padded).ascontiguousarray(padded[:, ph : ph + h, pw : pw + w])
