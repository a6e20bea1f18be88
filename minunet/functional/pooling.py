"""Pooling: one number for each window of an image, the largest value, the mean or the sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.autograd import Tensor, TensorLike
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.functional.validation import IntOrPair, images, pair
from minunet.kernels import primitives
from minunet.kernels.backend import Array, array_module
from minunet.kernels.primitives import IntPair


class MaxPool2d(PrimitiveFunction):
    """The largest value of each window, the first one where several are equal.

    y = max of x over each window
    dx = for each pixel, the sum of g over the windows in which it is the largest
    """

    only_primitives = True

    def __init__(self, kernel_size: IntPair, stride: IntPair, padding: IntPair):
        self.window = kernel_size, stride, padding

    def forward(self, x: Array) -> Array:
        if not any(self.needs_input_grad):
            return primitives.max_pool2d_values(x, *self.window)
        y, argmax = primitives.max_pool2d(x, *self.window)
        self.save(argmax)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (argmax,) = self.saved
        shape, _ = self.input_types[0]
        return (primitives.max_pool2d_grad(grad_output, argmax, shape, *self.window),)


class SumPool2d(PrimitiveFunction):
    """The sum of each window.

    y = sum of x over each window
    dx = for each pixel, the sum of g over the windows that contain it
    """

    def __init__(self, kernel_size: IntPair, stride: IntPair, padding: IntPair):
        self.window = kernel_size, stride, padding

    def forward(self, x: Array) -> Array:
        self.save()
        return primitives.sum_pool2d(x, *self.window)

    def backward(self, grad_output: Array) -> tuple[Array]:
        shape, _ = self.input_types[0]
        return (primitives.sum_pool2d_grad(grad_output, shape, *self.window),)


class AvgPool2d(SumPool2d):
    """The sum of each window divided by m, the number of pixels that the window counts.

    y = (sum of x over each window) / m
    dx = for each pixel, the sum of g / m over the windows that contain it
    """

    def __init__(self, kernel_size: IntPair, stride: IntPair, padding: IntPair, count_include_pad: bool):
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y *= self._reciprocal_counts(x.shape[1:3], y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        shape, _ = self.input_types[0]
        return super().backward(grad_output * self._reciprocal_counts(shape[1:3], grad_output))

    def _reciprocal_counts(self, size: Sequence[int], like: Array) -> Array:
        """1 / m, of shape (H', W', 1); padding is counted if `count_include_pad` is True."""
        counts = []
        for n, out, k, s, p in zip(size, like.shape[1:3], *self.window, strict=True):
            first = np.arange(out) * s - p
            inside = np.minimum(first + k, n) - np.maximum(first, 0)
            counts.append(np.full(out, k) if self.count_include_pad else inside)
        reciprocals = 1.0 / (counts[0][:, None, None] * counts[1][None, :, None])
        return array_module(like).asarray(reciprocals, dtype=like.dtype)


def max_pool2d(
    x: TensorLike, kernel_size: IntOrPair = 2, stride: IntOrPair | None = None, padding: IntOrPair = 0
) -> Tensor:
    """The largest value of each window.

    Parameters
    ----------
    x : Tensor (N, H, W, C)
    kernel_size : int or pair
        Size of the window in pixels.
    stride : int or pair, optional
        Step of the window; by default the size of the window.
    padding : int or pair
        Rows and columns of minus infinity added on each side; less than the size of the window.

    Returns
    -------
    Tensor (N, H', W', C)
        H' = floor((H + 2 padding - kernel_size) / stride) + 1, the same for W'.

    Raises
    ------
    ValueError
        If a size does not fit; the message names it.

    Examples
    --------
    >>> max_pool2d([[[[1.0], [2.0]], [[4.0], [3.0]]]]).data[0, :, :, 0]
    array([[4.]], dtype=float32)
    """
    x, settings = _checked("max_pool2d", x, kernel_size, stride, padding)
    return MaxPool2d(*settings).apply(x)


def avg_pool2d(
    x: TensorLike,
    kernel_size: IntOrPair = 2,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window.

    Parameters
    ----------
    x, kernel_size, stride, padding
        As for `max_pool2d`, but padded with zeros.
    count_include_pad : bool
        Whether padding counts as pixels when the sum is divided by their number.

    Returns
    -------
    Tensor (N, H', W', C)

    Raises
    ------
    ValueError
        If a size does not fit; the message names it.

    Examples
    --------
    >>> avg_pool2d([[[[1.0], [2.0]], [[4.0], [3.0]]]]).data[0, :, :, 0]
    array([[2.5]], dtype=float32)
    """
    x, settings = _checked("avg_pool2d", x, kernel_size, stride, padding)
    return AvgPool2d(*settings, bool(count_include_pad)).apply(x)


def sum_pool2d(
    x: TensorLike, kernel_size: IntOrPair = 2, stride: IntOrPair | None = None, padding: IntOrPair = 0
) -> Tensor:
    """The sum of each window.

    Parameters
    ----------
    x, kernel_size, stride, padding
        As for `max_pool2d`, but padded with zeros.

    Returns
    -------
    Tensor (N, H', W', C)

    Raises
    ------
    ValueError
        If a size does not fit; the message names it.

    Examples
    --------
    >>> sum_pool2d([[[[1.0], [2.0]], [[4.0], [3.0]]]]).data[0, :, :, 0]
    array([[10.]], dtype=float32)
    """
    x, settings = _checked("sum_pool2d", x, kernel_size, stride, padding)
    return SumPool2d(*settings).apply(x)


def _checked(
    operation: str, x: TensorLike, kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> tuple[Tensor, tuple[IntPair, IntPair, IntPair]]:
    """The image and the window (size, step, padding) as pairs, after a check that the window fits into the padded image."""
    x = images(operation, "x", x)
    kernel, step, pad = window(operation, kernel_size, stride, padding)
    if any(n + 2 * p < k for n, p, k in zip(x.shape[1:3], pad, kernel, strict=True)):
        raise ValueError(
            f"{operation}: kernel_size {kernel_size!r} is larger than the padded image, "
            f"{x.shape[1]}x{x.shape[2]} with padding {padding!r}"
        )
    return x, (kernel, step, pad)


def window(
    operation: str, kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> tuple[IntPair, IntPair, IntPair]:
    """Size, step and padding of a window as pairs; a step of None means the size of the window."""
    kernel = pair(operation, "kernel_size", kernel_size, 1)
    step = kernel if stride is None else pair(operation, "stride", stride, 1)
    pad = pair(operation, "padding", padding, 0)
    if any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise ValueError(
            f"{operation}: padding must be less than kernel_size, so that every window contains a pixel; "
            f"got padding {padding!r}, kernel_size {kernel_size!r}"
        )
    if kernel[0] * kernel[1] > 65536:
        raise ValueError(f"{operation}: kernel_size {kernel_size!r} covers more than 65536 pixels")
    return kernel, step, pad
