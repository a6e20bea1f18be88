"""The windows that convolution and pooling move over an image: their positions, the padded image, the size of the result.

Strides and window sizes are (vertical, horizontal) pairs; image paddings are ((top, bottom), (left, right)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from minunet.kernels.backend import Array, array_module

IntPair: TypeAlias = tuple[int, int]  # (vertical, horizontal)
Padding: TypeAlias = tuple[IntPair, IntPair]  # ((top, bottom), (left, right))


def kernel_offsets(kernel_size: IntPair, stride: IntPair, out_size: IntPair) -> Iterator[tuple[int, int, slice, slice]]:
    """Each offset (i, j) inside the window, with the rows and columns of the (padded) input that it meets, one per output pixel.

    Yields (i, j, rows, columns); `padded[:, rows, columns]` has the output's height and width.

    Examples
    --------
    >>> list(kernel_offsets((1, 2), (3, 3), (2, 2)))
    [(0, 0, slice(0, 4, 3), slice(0, 4, 3)), (0, 1, slice(0, 4, 3), slice(1, 5, 3))]
    """
    (kh, kw), (sh, sw), (out_h, out_w) = kernel_size, stride, out_size
    for i in range(kh):
        for j in range(kw):
            yield i, j, slice(i, i + (out_h - 1) * sh + 1, sh), slice(j, j + (out_w - 1) * sw + 1, sw)


def pad_image(x: Array, padding: Padding, value: float = 0.0) -> Array:
    """(N, H, W, C) with `value` added around the image; the image itself if there is nothing to add."""
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    padded = array_module(x).full((n, h + top + bottom, w + left + right, c), value, dtype=x.dtype)
    padded[:, top : top + h, left : left + w] = x
    return padded


def symmetric(padding: IntPair) -> Padding:
    """The same number of rows above and below, the same number of columns left and right."""
    return (padding[0], padding[0]), (padding[1], padding[1])


def out_size(
    size: Sequence[int], kernel_size: Sequence[int], stride: Sequence[int], padding: Padding = ((0, 0), (0, 0))
) -> IntPair:
    """Height and width after a window moved over the padded image: floor((in + padding - kernel) / stride) + 1.

    Parameters
    ----------
    size, kernel_size, stride : (vertical, horizontal)
    padding : ((top, bottom), (left, right))

    Examples
    --------
    >>> out_size((7, 8), (3, 3), (2, 2), ((1, 1), (0, 0)))
    (4, 3)
    """
    h, w = (
        (n + before + after - k) // s + 1
        for n, k, s, (before, after) in zip(size, kernel_size, stride, padding, strict=True)
    )
    return h, w


def conv_transpose_out_size(
    size: Sequence[int], kernel_size: Sequence[int], stride: Sequence[int], padding: Sequence[int] = (0, 0)
) -> IntPair:
    """Height and width of an up-convolution's result: (in - 1) stride + kernel - 2 padding.

    Parameters
    ----------
    size, kernel_size, stride : (vertical, horizontal)
    padding : (vertical, horizontal)
        Rows and columns cut from each side of the result.

    Examples
    --------
    >>> conv_transpose_out_size((4, 5), (2, 2), (2, 2))
    (8, 10)
    """
    h, w = ((n - 1) * s + k - 2 * p for n, k, s, p in zip(size, kernel_size, stride, padding, strict=True))
    return h, w
