"""Launches the portable convolution kernels: forward, input gradient, weight gradient, and the same for the up-convolution."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any

from minunet.kernels.cuda.dtypes import MAX_PIXELS, ceil_div, cpp_type, takes, takes_parameters, wide_dtype
from minunet.kernels.cuda.launcher import launcher_for, run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.sums import bias_gradient, split, sum_of_splits
from minunet.kernels.cuda.window import Axis, Window, forward_axis, transposed_axes
from minunet.kernels.primitives import conv_transpose_out_size, out_size

TILE, DEPTH, PITCH, THREADS = 64, 16, 68, 256  # as in convolution.cu and weight_gradient.cu

CONVOLUTION = Program("convolution.cu", tuple(f"convolve<{t}>" for t in ("float", "double", "bfloat16")), registers=128)
WEIGHT_GRADIENT = Program(
    "weight_gradient.cu",
    tuple(f"weight_gradient<{t}>" for t in ("float", "double", "bfloat16")),
    registers=128,
)


def takes_conv2d(xs, weight, bias, stride, padding, activation) -> bool:
    """Whether the kernels can compute this convolution: one or two sources, supported dtypes."""
    return len(xs) <= 2 and takes(*xs) and takes_parameters(xs[0], weight, bias) and _countable(xs[0])


def takes_conv2d_grads(grad_output, xs, weight, output, stride, padding, needs) -> bool:
    """The same for its gradients."""
    return takes(grad_output, output, *xs) and takes_conv2d(xs, weight, None, stride, padding, None)


def takes_conv_transpose2d(x, weight, bias, stride, padding) -> bool:
    """The same for the up-convolution."""
    return takes(x) and takes_parameters(x, weight, bias) and _countable(x, stride[0] * stride[1])


def takes_conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs) -> bool:
    """The same for the up-convolution's gradients."""
    return takes(grad_output, x) and takes_parameters(x, weight) and _countable(grad_output)


def _countable(x: Any, factor: int = 1) -> bool:
    return x.shape[0] * x.shape[1] * x.shape[2] * factor <= MAX_PIXELS


def conv2d(xs, weight, bias, stride, padding, activation):
    """See `primitives.conv2d`."""
    size = out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(weight).empty((xs[0].shape[0], *size, weight.shape[3]), xs[0].dtype)
    convolve([forward_window(xs, weight, stride, padding, size)], xs, None, weight, bias, (y,), activation == "relu")
    return y


def conv2d_grads(grad_output, xs, weight, output, stride, padding, needs):
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


def conv_transpose2d(x, weight, bias, stride, padding):
    """See `primitives.conv_transpose2d`."""
    size = conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(x).empty((x.shape[0], *size, weight.shape[3]), x.dtype)
    convolve(up_windows(x, weight, stride, padding, size), (x,), None, weight, bias, (y,), False)
    return y


def conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs):
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    grad_x = grad_weight = grad_bias = None
    window = down_window(grad_output, x, weight, stride, padding)
    if needs_x:
        grad_x = launcher_for(x).empty(x.shape, x.dtype)
        convolve([window], (grad_output,), None, weight, None, (grad_x,), False)
    if needs_weight:
        # The window moves over the gradient; x takes the place of the gradient, its channels that of the columns.
        grad_weight = weight_gradient(window, (grad_output,), x, None, weight)
    if needs_bias:
        grad_bias = bias_gradient(grad_output, None)
    return grad_x, grad_weight, grad_bias


# Windows


def forward_window(xs, weight, stride, padding, size) -> Window:
    """Convolution: the sources' channels are summed over, the weights' last axis is the output's."""
    kh, kw, channels, outs = weight.shape
    axes = [
        forward_axis(n, out, k, s, before)
        for n, out, k, s, (before, _) in zip(xs[0].shape[1:3], size, (kh, kw), stride, padding, strict=True)
    ]
    widths = [x.shape[3] for x in xs]
    return Window(*axes, xs[0].shape[0], *(*widths, 0)[:2], outs, 0, channels * outs, outs, 1)


def input_gradient_windows(grad_output, xs, weight, stride, padding) -> list[Window]:
    """Its transpose: the output's channels are summed over, the results are the sources' gradients."""
    kh, kw, channels, outs = weight.shape
    rows, columns = (
        list(transposed_axes(out, n, k, s, before))
        for n, out, k, s, (before, _) in zip(
            xs[0].shape[1:3], grad_output.shape[1:3], (kh, kw), stride, padding, strict=True
        )
    )
    widths = [x.shape[3] for x in xs]
    return _pairs(rows, columns, (xs[0].shape[0], outs, 0, *(*widths, 0)[:2], channels * outs, 1, outs))


def up_windows(x, weight, stride, padding, size) -> list[Window]:
    """Up-convolution: as the input gradient, but the weights' third axis is summed over."""
    kh, kw, channels, outs = weight.shape
    rows, columns = (
        list(transposed_axes(n, out, k, s, p))
        for n, out, k, s, p in zip(x.shape[1:3], size, (kh, kw), stride, padding, strict=True)
    )
    return _pairs(rows, columns, (x.shape[0], channels, 0, outs, 0, channels * outs, outs, 1))


def down_window(grad_output, x, weight, stride, padding) -> Window:
    """The up-convolution's input gradient: a convolution of the output's gradient."""
    kh, kw, channels, outs = weight.shape
    axes = [
        forward_axis(n, out, k, s, p)
        for n, out, k, s, p in zip(grad_output.shape[1:3], x.shape[1:3], (kh, kw), stride, padding, strict=True)
    ]
    return Window(*axes, x.shape[0], outs, 0, channels, 0, channels * outs, 1, outs)


def _pairs(rows: Sequence[Axis], columns: Sequence[Axis], rest: tuple[int, ...]) -> list[Window]:
    return [Window(row, column, *rest) for row in rows for column in columns]


# Launches


def convolve(windows: Iterable[Window], sources, mask, weight, bias, outs, relu: bool) -> None:
    """Fill `outs`, one or two arrays (or None) joined along channels, window by window."""
    source0, source1 = (*sources, None)[:2]
    out0, out1 = (*outs, None)[:2]
    wide = wide_dtype(source0)
    for window in windows:
        channels = window.out_channels0 + window.out_channels1
        run(
            launcher_for(source0),
            CONVOLUTION,
            f"convolve<{cpp_type(source0)}>",
            grid=(ceil_div(window.pixels, TILE), ceil_div(channels, TILE)),
            block=THREADS,
            shared_bytes=2 * DEPTH * PITCH * wide.itemsize,
            arguments=[source0, source1, mask, weight, bias, out0, out1, window, ctypes.c_int(relu)],
        )


def weight_gradient(window: Window, sources, grad, mask, like) -> Any:
    """A gradient of the shape of `like`, the weights; sums over the window's output pixels."""
    launcher = launcher_for(grad)
    source0, source1 = (*sources, None)[:2]
    tiles = ceil_div(window.depth, TILE), ceil_div(window.out_channels0, TILE)
    share, splits = split(window.pixels, tiles[0] * tiles[1], DEPTH)
    partial = launcher.empty((splits, *like.shape), like.dtype)
    run(
        launcher,
        WEIGHT_GRADIENT,
        f"weight_gradient<{cpp_type(grad)}>",
        grid=(*tiles, splits),
        block=THREADS,
        shared_bytes=2 * DEPTH * PITCH * like.dtype.itemsize,
        arguments=[source0, source1, grad, mask, partial, window, ctypes.c_int(share)],
    )
    return sum_of_splits(partial)
