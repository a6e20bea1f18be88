"""The convolution primitives on tensor cores: bfloat16 arrays with float32 weights, and float32 arrays where tf32 is allowed.

Channel counts that do not fill 16-byte chunks (the image's one, the head's one) are continued with zeros, which cost less than
leaving the tensor cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.kernels.cuda import activation, convolution, sums, tensor_cores
from minunet.kernels.cuda.convolution import down_window, forward_window, input_gradient_windows, up_windows
from minunet.kernels.cuda.launcher import launcher_for
from minunet.kernels.cuda.pad_channels import fit, whole_chunks
from minunet.kernels.cuda.precision import allows_tf32
from minunet.kernels.cuda.window import Window
from minunet.kernels.primitives import conv_transpose_out_size, out_size

_relu_gradient = activation.activate_gradient("relu")


def takes_conv2d(xs, weight, bias, stride, padding, activation) -> bool:
    """Whether tensor cores can compute this convolution."""
    return convolution.takes_conv2d(xs, weight, bias, stride, padding, activation) and _suits(xs, weight, padding)


def takes_conv2d_grads(grad_output, xs, weight, output, stride, padding, needs) -> bool:
    """The same for its gradients."""
    takes = convolution.takes_conv2d_grads(grad_output, xs, weight, output, stride, padding, needs)
    return takes and _suits(xs, weight, padding)


def takes_conv_transpose2d(x, weight, bias, stride, padding) -> bool:
    """The same for the up-convolution, if each output pixel meets one tap (stride = kernel size) or all (stride 1)."""
    simple = tuple(stride) in (tuple(weight.shape[:2]), (1, 1))
    return simple and convolution.takes_conv_transpose2d(x, weight, bias, stride, padding) and _suits((x,), weight, ())


def takes_conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs) -> bool:
    """The same for the up-convolution's gradients."""
    takes = convolution.takes_conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs)
    return takes and _suits((grad_output,), weight, ())


def _suits(sources, weight, padding) -> bool:
    """A dtype for tensor cores, coordinates that fit their packing, and joined sources that need no filling."""
    dtype = sources[0].dtype
    if dtype.name != "bfloat16" and not (dtype == np.float32 and allows_tf32()):
        return False
    lengths = [*sources[0].shape[1:3], *weight.shape[:2], *(p for pair in padding for p in pair)]
    filled = len(sources) > 1 and any(whole_chunks(x.shape[3], dtype) != x.shape[3] for x in sources)
    return max(lengths) <= tensor_cores.MAX_SIDE and not filled


def conv2d(xs, weight, bias, stride, padding, activation):
    """See `primitives.conv2d`."""
    xs, weights, bias = _whole(xs), _weights(weight, xs[0].dtype), _bias(bias, xs[0].dtype)
    size = out_size(xs[0].shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(weight).empty((xs[0].shape[0], *size, weights.shape[3]), xs[0].dtype)
    window = forward_window(xs, weights, stride, padding, size)
    tensor_cores.convolve([window], xs, weights, (y,), bias=bias, relu=activation == "relu")
    return fit(y, weight.shape[3:])


def conv2d_grads(grad_output, xs, weight, output, stride, padding, needs):
    """See `primitives.conv2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    if output is not None:
        grad_output = _relu_gradient(grad_output, output)
    grad_bias = sums.bias_gradient(grad_output, None) if needs_bias else None
    (grad,), whole_xs = _whole((grad_output,)), _whole(xs)
    grad_xs: list[Any] = [None] * len(xs)
    if any(needs_x):
        weights = _weights(weight, grad.dtype)
        outs = [
            launcher_for(x).empty(x.shape, x.dtype) if need else None for x, need in zip(whole_xs, needs_x, strict=True)
        ]
        windows = input_gradient_windows(grad, whole_xs, weights, stride, padding)
        tensor_cores.convolve(windows, (grad,), weights, outs)
        grad_xs = [None if out is None else fit(out, x.shape[3:]) for out, x in zip(outs, xs, strict=True)]
    grad_weight = None
    if needs_weight:
        channels = sum(x.shape[3] for x in whole_xs)
        like = (*weight.shape[:2], channels, grad.shape[3])
        window = forward_window(whole_xs, _Shaped(like), stride, padding, grad.shape[1:3])
        grad_weight = _weight_gradient(window, whole_xs, grad, like, weight.shape)
    return tuple(grad_xs), grad_weight, grad_bias


def conv_transpose2d(x, weight, bias, stride, padding):
    """See `primitives.conv_transpose2d`."""
    (whole_x,), weights, bias = _whole((x,)), _weights(weight, x.dtype), _bias(bias, x.dtype)
    size = conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    y = launcher_for(x).empty((x.shape[0], *size, weights.shape[3]), x.dtype)
    tensor_cores.convolve(up_windows(whole_x, weights, stride, padding, size), (whole_x,), weights, (y,), bias=bias)
    return fit(y, weight.shape[3:])


def conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs):
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    grad_bias = sums.bias_gradient(grad_output, None) if needs_bias else None
    (grad,), (whole_x,) = _whole((grad_output,)), _whole((x,))
    like = (*weight.shape[:2], whole_x.shape[3], grad.shape[3])
    window = down_window(grad, whole_x, _Shaped(like), stride, padding)
    grad_x = grad_weight = None
    if needs_x:
        out = launcher_for(x).empty(whole_x.shape, x.dtype)
        tensor_cores.convolve([window], (grad,), _weights(weight, grad.dtype), (out,))
        grad_x = fit(out, x.shape[3:])
    if needs_weight:
        grad_weight = _weight_gradient(window, (grad,), whole_x, like, weight.shape)
    return grad_x, grad_weight, grad_bias


class _Shaped:
    """A shape where a window asks for the weights', which are not there."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape


def _whole(arrays) -> tuple[Any, ...]:
    """Channels continued to whole chunks."""
    return tuple(fit(a, (whole_chunks(a.shape[3], a.dtype),)) for a in arrays)


def _weights(weight, dtype) -> Any:
    """The weights in the activations' dtype, both channel axes continued to whole chunks."""
    return fit(weight, tuple(whole_chunks(n, dtype) for n in weight.shape[2:]), dtype)


def _bias(bias, dtype) -> Any:
    """The bias, in float32, for as many channels as the weights then have."""
    return None if bias is None else fit(bias, (whole_chunks(bias.shape[0], dtype),))


def _weight_gradient(window: Window, sources, grad, like, shape) -> Any:
    """The gradient for weights of shape `like`, cut to `shape`."""
    splits = tensor_cores.splits_of(window, grad)
    partial = launcher_for(grad).empty((splits, *like), np.float32)
    tensor_cores.weight_gradient(window, sources, grad, partial)
    return fit(sums.sum_of_splits(partial), shape[2:])
