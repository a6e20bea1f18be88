"""Launches the portable convolution kernels: forward, input gradient, weight gradient, and the same for transposed convolutions.

The kernels are in convolution.cu and weight_gradient.cu.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any

from minunet.kernels.backend import Array, Arrays
from minunet.kernels.cuda.devices import launcher_for, supports, supports_parameters
from minunet.kernels.cuda.dtypes import MAX_PIXELS, ceil_div, cpp_type, wide_dtype
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.sums import bias_gradient
from minunet.kernels.cuda.weight_gradient import weight_gradient
from minunet.kernels.cuda.window import (
    Window,
    forward_window,
    input_gradient_windows,
    transposed_gradient_window,
    transposed_windows,
)
from minunet.kernels.primitives import conv_transpose_out_size, out_size
from minunet.kernels.primitives.conv import ConvGrads, Needs, UpGrads, UpNeeds
from minunet.kernels.primitives.windows import IntPair, Padding

TILE, DEPTH, PITCH, THREADS = 64, 16, 68, 256  # as in convolution.cu

CONVOLUTION = Program("convolution.cu", tuple(f"convolve<{t}>" for t in ("float", "double", "bfloat16")), registers=128)


def supports_conv2d(xs: Arrays, weight: Array, bias: Array | None, *_: object) -> bool:
    """Whether the kernels can compute this convolution: one or two sources, supported dtypes."""
    return len(xs) <= 2 and supports(*xs) and supports_parameters(xs[0], weight, bias) and _countable(xs[0])


def supports_conv2d_grads(grad_output: Array, xs: Arrays, weight: Array, output: Array | None, *_: object) -> bool:
    """The same for its gradients."""
    return supports(grad_output, output, *xs) and supports_conv2d(xs, weight, None)


def supports_conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: IntPair, *_: object) -> bool:
    """The same for a transposed convolution."""
    return supports(x) and supports_parameters(x, weight, bias) and _countable(x, stride[0] * stride[1])


def supports_conv_transpose2d_grads(grad_output: Array, x: Array, weight: Array, *_: object) -> bool:
    """The same for the gradients of a transposed convolution."""
    return supports(grad_output, x) and supports_parameters(x, weight) and _countable(grad_output)


def _countable(x: Array, factor: int = 1) -> bool:
    return x.shape[0] * x.shape[1] * x.shape[2] * factor <= MAX_PIXELS


def conv2d(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> Array:
    """See `primitives.conv2d`."""
    size = out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(weight).empty((xs[0].shape[0], *size, weight.shape[3]), xs[0].dtype)
    convolve([forward_window(xs, weight, stride, padding, size)], xs, None, weight, bias, (y,), activation == "relu")
    return y


def conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """See `primitives.conv2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    launcher = launcher_for(weight)
    grad_xs: list[Any] = [
        launcher.empty(x.shape, x.dtype) if need else None for x, need in zip(xs, needs_x, strict=True)
    ]
    if any(needs_x):
        windows = input_gradient_windows(grad_output, xs, weight, stride, padding)
        convolve(windows, (grad_output,), output, weight, None, grad_xs, False)
    grad_weight = grad_bias = None
    if needs_weight:
        window = forward_window(xs, weight, stride, padding, grad_output.shape[1:3])
        grad_weight = weight_gradient(window, xs, grad_output, output, weight)
    if needs_bias:
        grad_bias = bias_gradient(grad_output, output)
    return tuple(grad_xs), grad_weight, grad_bias


def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: IntPair, padding: IntPair) -> Array:
    """See `primitives.conv_transpose2d`."""
    size = conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(x).empty((x.shape[0], *size, weight.shape[3]), x.dtype)
    convolve(transposed_windows(x, weight, stride, padding, size), (x,), None, weight, bias, (y,), False)
    return y


def conv_transpose2d_grads(
    grad_output: Array, x: Array, weight: Array, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> UpGrads:
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    grad_x = grad_weight = grad_bias = None
    window = transposed_gradient_window(grad_output, x, weight, stride, padding)
    if needs_x:
        grad_x = launcher_for(x).empty(x.shape, x.dtype)
        convolve([window], (grad_output,), None, weight, None, (grad_x,), False)
    if needs_weight:
        # The window moves over grad_output, so the two exchange their roles: x is used as the gradient.
        grad_weight = weight_gradient(window, (grad_output,), x, None, weight)
    if needs_bias:
        grad_bias = bias_gradient(grad_output, None)
    return grad_x, grad_weight, grad_bias


def convolve(
    windows: Iterable[Window],
    sources: Arrays,
    mask: Array | None,
    weight: Array,
    bias: Array | None,
    outs: Sequence[Array | None],
    relu: bool,
) -> None:
    """Fill `outs`, one or two arrays (or None) joined along channels, window by window.

    Where `mask`, an array of the shape of the only source, is not positive, the source counts as zero.
    """
    source0, source1 = (*sources, None)[:2]
    out0, out1 = (*outs, None)[:2]
    wide = wide_dtype(source0)
    for window in windows:
        run(
            launcher_for(source0),
            CONVOLUTION,
            f"convolve<{cpp_type(source0)}>",
            grid=(ceil_div(window.pixels, TILE), ceil_div(window.out_channels, TILE)),
            block=THREADS,
            shared_bytes=2 * DEPTH * PITCH * wide.itemsize,
            arguments=[source0, source1, mask, weight, bias, out0, out1, window, ctypes.c_int(relu)],
        )
