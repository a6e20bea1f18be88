"""Max and sum pooling with their gradients; average pooling is a sum and a division."""

from __future__ import annotations

import numpy as np

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.windows import Array, Pair, out_size, pad_image, taps


def _symmetric(padding: Pair) -> tuple[Pair, Pair]:
    return (padding[0], padding[0]), (padding[1], padding[1])


def argmax_dtype(kernel_size: Pair) -> type:
    """The smallest integer type that counts the places of a window."""
    return np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.uint16


@primitive
def max_pool2d(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The largest value in each window and its place in the window, row-major; the first of equal values wins.

    Padding counts as minus infinity but never wins, not even over an image of minus infinities. NaN wins over
    everything, so that a diverged training is seen.
    """
    xp = array_module(x)
    (_, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    out_h, out_w = out_size(x.shape[1:3], kernel_size, stride, _symmetric(padding))
    padded = pad_image(x, _symmetric(padding), -np.inf)
    # The winner to begin with: the first pixel of the window that lies in the image.
    first_row = np.maximum(ph - np.arange(out_h) * sh, 0)[:, None, None]
    first_column = np.maximum(pw - np.arange(out_w) * sw, 0)[:, None]
    argmax = xp.empty((x.shape[0], out_h, out_w, x.shape[3]), dtype=argmax_dtype(kernel_size))
    argmax[...] = xp.asarray(first_row * kw + first_column)
    y = xp.full(argmax.shape, -np.inf, dtype=x.dtype)
    for i, j, rows, columns in taps(kernel_size, stride, (out_h, out_w)):
        seen = padded[:, rows, columns]
        wins = (seen > y) | ((seen != seen) & (y == y))
        y = xp.where(wins, seen, y)
        argmax[wins] = i * kw + j
    return y, argmax


@primitive
def max_pool2d_values(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The values of `max_pool2d` without their places, for where no gradient will be asked for."""
    return max_pool2d.reference.run(x, kernel_size, stride, padding)[0]


@primitive
def max_pool2d_grad(grad_output: Array, argmax: Array, x_shape: tuple[int, ...], kernel_size, stride, padding):
    """The gradient goes to the winner of each window, summed where windows overlap."""
    xp = array_module(grad_output)
    padded = xp.zeros(
        (x_shape[0], x_shape[1] + 2 * padding[0], x_shape[2] + 2 * padding[1], x_shape[3]), grad_output.dtype
    )
    for i, j, rows, columns in taps(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += xp.where(argmax == i * kernel_size[1] + j, grad_output, 0)
    return _crop(padded, x_shape, padding)


@primitive
def sum_pool2d(x: Array, kernel_size: Pair, stride: Pair, padding: Pair):
    """The sum of each window; padding counts as zero."""
    xp = array_module(x)
    size = out_size(x.shape[1:3], kernel_size, stride, _symmetric(padding))
    padded = pad_image(x, _symmetric(padding))
    y = xp.zeros((x.shape[0], *size, x.shape[3]), dtype=x.dtype)
    for _, _, rows, columns in taps(kernel_size, stride, size):
        y += padded[:, rows, columns]
    return y


@primitive
def sum_pool2d_grad(grad_output: Array, x_shape: tuple[int, ...], kernel_size, stride, padding):
    """Every pixel of a window receives the window's gradient."""
    xp = array_module(grad_output)
    padded = xp.zeros(
        (x_shape[0], x_shape[1] + 2 * padding[0], x_shape[2] + 2 * padding[1], x_shape[3]), grad_output.dtype
    )
    for _, _, rows, columns in taps(kernel_size, stride, grad_output.shape[1:3]):
        padded[:, rows, columns] += grad_output
    return _crop(padded, x_shape, padding)


def _crop(padded: Array, x_shape: tuple[int, ...], padding: Pair) -> Array:
    (ph, pw), (_, h, w, _) = padding, x_shape
    return array_module(padded).ascontiguousarray(padded[:, ph : ph + h, pw : pw + w])
