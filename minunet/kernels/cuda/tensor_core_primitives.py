"""The convolution primitives on tensor cores: bfloat16 arrays with float32 weights, and float32 arrays where tf32 is allowed.

Numbers of channels that do not fill whole chunks of 16 bytes (such as the one channel of a grey image) are padded with zeros, which
costs less than not using the tensor cores.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels.backend import Array, Arrays
from minunet.kernels.cuda import activation, convolution, sums, tensor_cores
from minunet.kernels.cuda.devices import launcher_for
from minunet.kernels.cuda.pad_channels import padded_channels, resize_channels
from minunet.kernels.cuda.window import (
    ShapeOnly,
    Window,
    forward_window,
    input_gradient_windows,
    transposed_gradient_window,
    transposed_windows,
)
from minunet.kernels.precision import allows_tf32
from minunet.kernels.primitives import conv_transpose_out_size, out_size
from minunet.kernels.primitives.conv import ConvGrads, Needs, UpGrads, UpNeeds
from minunet.kernels.primitives.windows import IntPair, Padding

_relu_gradient = activation.activate_gradient("relu")


def supports_conv2d(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, *_: object
) -> bool:
    """Whether tensor cores can compute this convolution."""
    return convolution.supports_conv2d(xs, weight, bias) and _suitable(xs, weight, padding)


def supports_conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, *_: object
) -> bool:
    """The same for its gradients."""
    return convolution.supports_conv2d_grads(grad_output, xs, weight, output) and _suitable(xs, weight, padding)


def supports_conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: IntPair, *_: object) -> bool:
    """The same for a transposed convolution if each output pixel meets one tap (stride = kernel size) or all taps (stride 1)."""
    simple = tuple(stride) in (tuple(weight.shape[:2]), (1, 1))
    return simple and convolution.supports_conv_transpose2d(x, weight, bias, stride) and _suitable((x,), weight, ())


def supports_conv_transpose2d_grads(grad_output: Array, x: Array, weight: Array, *_: object) -> bool:
    """The same for the gradients of a transposed convolution."""
    supported = convolution.supports_conv_transpose2d_grads(grad_output, x, weight)
    return supported and _suitable((grad_output,), weight, ())


def _suitable(sources: Arrays, weight: Array, padding: Padding | tuple[()]) -> bool:
    """Whether the dtype is one of tensor cores, the sides are not too large, and joined sources need no padding of channels."""
    dtype = sources[0].dtype
    if dtype.name != "bfloat16" and not (dtype == np.float32 and allows_tf32()):
        return False
    lengths = [*sources[0].shape[1:3], *weight.shape[:2], *(p for pair in padding for p in pair)]
    padded = len(sources) > 1 and any(padded_channels(x.shape[3], dtype) != x.shape[3] for x in sources)
    return max(lengths) <= tensor_cores.MAX_SIDE and not padded


def conv2d(
    xs: Arrays, weight: Array, bias: Array | None, stride: IntPair, padding: Padding, activation: str | None
) -> Array:
    """See `primitives.conv2d`."""
    dtype = xs[0].dtype
    padded_xs, padded_weight = _pad_activations(xs), _pad_weight(weight, dtype)
    size = out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(weight).empty((xs[0].shape[0], *size, padded_weight.shape[3]), dtype)
    window = forward_window(padded_xs, padded_weight, stride, padding, size)
    relu = activation == "relu"
    tensor_cores.convolve([window], padded_xs, padded_weight, (y,), bias=_pad_bias(bias, dtype), relu=relu)
    return resize_channels(y, weight.shape[3:])


def conv2d_grads(
    grad_output: Array, xs: Arrays, weight: Array, output: Array | None, stride: IntPair, padding: Padding, needs: Needs
) -> ConvGrads:
    """See `primitives.conv2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    if output is not None:
        grad_output = _relu_gradient(grad_output, output)
    grad_bias = sums.bias_gradient(grad_output, None) if needs_bias else None
    (grad,), padded_xs = _pad_activations((grad_output,)), _pad_activations(xs)
    grad_xs: list[Array | None] = [None] * len(xs)
    if any(needs_x):
        padded_weight = _pad_weight(weight, grad.dtype)
        outs = [
            launcher_for(x).empty(x.shape, x.dtype) if need else None
            for x, need in zip(padded_xs, needs_x, strict=True)
        ]
        windows = input_gradient_windows(grad, padded_xs, padded_weight, stride, padding)
        tensor_cores.convolve(windows, (grad,), padded_weight, outs)
        grad_xs = [None if out is None else resize_channels(out, x.shape[3:]) for out, x in zip(outs, xs, strict=True)]
    grad_weight = None
    if needs_weight:
        padded_shape = (*weight.shape[:2], sum(x.shape[3] for x in padded_xs), grad.shape[3])
        window = forward_window(padded_xs, ShapeOnly(padded_shape), stride, padding, grad.shape[1:3])
        grad_weight = _weight_gradient(window, padded_xs, grad, padded_shape, weight.shape)
    return tuple(grad_xs), grad_weight, grad_bias


def conv_transpose2d(x: Array, weight: Array, bias: Array | None, stride: IntPair, padding: IntPair) -> Array:
    """See `primitives.conv_transpose2d`."""
    (padded_x,), padded_weight = _pad_activations((x,)), _pad_weight(weight, x.dtype)
    size = conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(x).empty((x.shape[0], *size, padded_weight.shape[3]), x.dtype)
    windows = transposed_windows(padded_x, padded_weight, stride, padding, size)
    tensor_cores.convolve(windows, (padded_x,), padded_weight, (y,), bias=_pad_bias(bias, x.dtype))
    return resize_channels(y, weight.shape[3:])


def conv_transpose2d_grads(
    grad_output: Array, x: Array, weight: Array, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> UpGrads:
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    grad_bias = sums.bias_gradient(grad_output, None) if needs_bias else None
    (grad,), (padded_x,) = _pad_activations((grad_output,)), _pad_activations((x,))
    padded_shape = (*weight.shape[:2], padded_x.shape[3], grad.shape[3])
    window = transposed_gradient_window(grad, padded_x, ShapeOnly(padded_shape), stride, padding)
    grad_x = grad_weight = None
    if needs_x:
        out = launcher_for(x).empty(padded_x.shape, x.dtype)
        tensor_cores.convolve([window], (grad,), _pad_weight(weight, grad.dtype), (out,))
        grad_x = resize_channels(out, x.shape[3:])
    if needs_weight:
        grad_weight = _weight_gradient(window, (grad,), padded_x, padded_shape, weight.shape)
    return grad_x, grad_weight, grad_bias


def _pad_activations(arrays: Arrays) -> tuple[Array, ...]:
    """The arrays with their channels padded to whole chunks."""
    return tuple(resize_channels(a, (padded_channels(a.shape[3], a.dtype),)) for a in arrays)


def _pad_weight(weight: Array, dtype: np.dtype) -> Array:
    """The weights in the dtype of the activations, both channel axes padded to whole chunks."""
    return resize_channels(weight, tuple(padded_channels(n, dtype) for n in weight.shape[2:]), dtype)


def _pad_bias(bias: Array | None, dtype: np.dtype) -> Array | None:
    """The bias, in float32, padded to as many channels as the padded weights have."""
    return None if bias is None else resize_channels(bias, (padded_channels(bias.shape[0], dtype),))


def _weight_gradient(
    window: Window, sources: Arrays, grad: Array, padded_shape: tuple[int, ...], shape: tuple[int, ...]
) -> Array:
    """The gradient of padded weights, cropped to `shape`."""
    partial = launcher_for(grad).empty((tensor_cores.num_splits(window, grad), *padded_shape), np.dtype(np.float32))
    tensor_cores.weight_gradient(window, sources, grad, partial)
    return resize_channels(sums.sum_of_splits(partial), shape[2:])
