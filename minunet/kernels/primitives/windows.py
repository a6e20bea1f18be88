"""The windows that convolution and pooling move over an image: their places, the image padded for them, the size of what comes out.

Strides and window sizes are (vertical, horizontal) pairs, paddings ((top, bottom), (left, right)).
"""

from __future__ import annotations

from typing import Any

from minunet.kernels.backend import array_module

Array = Any  # a NumPy or a CuPy array
Pair = tuple[int, int]


def taps(kernel_size: Pair, stride: Pair, out_size: Pair):
    """For each place (i, j) in the window, the rows and columns of the (padded) input that it meets, one per output pixel.

    Yields (i, j, rows, columns); `padded[:, rows, columns]` has the output's height and width.
    """
    (kh, kw), (sh, sw), (out_h, out_w) = kernel_size, stride, out_size
    for i in range(kh):
        for j in range(kw):
            yield i, j, slice(i, i + (out_h - 1) * sh + 1, sh), slice(j, j + (out_w - 1) * sw + 1, sw)


def pad_image(x: Array, padding: tuple[Pair, Pair], value: float = 0.0) -> Array:
    """(N, H, W, C) with `value` added around the image: padding is ((top, bottom), (left, right))."""
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    padded = array_module(x).full((n, h + top + bottom, w + left + right, c), value, dtype=x.dtype)
    padded[:, top : top + h, left : left + w] = x
    return padded


def out_size(size: Pair, kernel_size: Pair, stride: Pair, padding: tuple[Pair, Pair]) -> Pair:
    """Height and width after a window of `kernel_size` moved over the padded image: floor((in + pad - k) / s) + 1."""
    h, w = (
        (n + before + after - k) // s + 1
        for n, k, s, (before, after) in zip(size, kernel_size, stride, padding, strict=True)
    )
    return h, w
