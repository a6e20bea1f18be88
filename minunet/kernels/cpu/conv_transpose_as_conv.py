"""Up-convolution whose stamps overlap, leave gaps or are cut at the border: what a convolution does, backwards.

conv_transpose2d with a kernel (kh, kw, C, O) is the gradient of the input of the convolution from O to C channels with the
same kernel, stride and padding; so its own gradients are that convolution and its kernel's gradient.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.im2col import backward, forward
from minunet.kernels.cpu.numpy_arrays import on_cpu

_WHY = "the convolution whose transpose this is, by matrix products"


def _turned(weight: np.ndarray) -> np.ndarray:
    """The convolution's kernel: (kh, kw, C, O) -> (kh, kw, O, C)."""
    return memory_pool.copy(weight.transpose(0, 1, 3, 2))


def _out_shape(x, weight, stride, padding) -> tuple[int, int, int, int]:
    size = primitives.conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    return (len(x), *size, weight.shape[3])


def _image(x, weight, stride, padding) -> np.ndarray:
    """An unwritten array of the shape of the result: what the convolution would have taken."""
    return memory_pool.empty(_out_shape(x, weight, stride, padding), x.dtype)


def _when(x, weight, bias, stride, padding) -> bool:
    return on_cpu(x, weight, bias) and x.size > 0


def _cost(x, weight, bias, stride, padding) -> float:
    image = np.broadcast_to(x.dtype.type(0), _out_shape(x, weight, stride, padding))
    needs = ((True,), False, False)
    return backward.backward_cost(
        x, (image,), weight.transpose(0, 1, 3, 2), None, stride, primitives.symmetric(padding), needs
    )


def _grads_when(grad_output, x, weight, stride, padding, needs) -> bool:
    return on_cpu(grad_output, x, weight) and x.size > 0


def _grads_cost(grad_output, x, weight, stride, padding, needs) -> float:
    turned, both = weight.transpose(0, 1, 3, 2), primitives.symmetric(padding)
    cost = forward.forward_cost((grad_output,), turned, None, stride, both, None) if needs[0] else 0
    return cost + backward.backward_cost(x, (grad_output,), turned, None, stride, both, ((False,), needs[1], False))


@primitives.conv_transpose2d.register("conv_transpose_as_conv", when=_when, cost=_cost, why=_WHY)
def conv_transpose2d(x, weight, bias, stride, padding):
    """See `primitives.conv_transpose2d`."""
    image = _image(x, weight, stride, padding)
    needs = ((True,), False, False)
    ((y,), _, _) = backward.conv2d_grads(
        x, (image,), _turned(weight), None, stride, primitives.symmetric(padding), needs
    )
    if bias is not None:
        rows = y.reshape(-1, y.shape[2] * y.shape[3])
        rows += np.tile(bias, y.shape[2])
    return y


@primitives.conv_transpose2d_grads.register("conv_transpose_as_conv", when=_grads_when, cost=_grads_cost, why=_WHY)
def conv_transpose2d_grads(grad_output, x, weight, stride, padding, needs):
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    both = primitives.symmetric(padding)
    grad_output = np.ascontiguousarray(grad_output)
    grad_x = forward.conv2d((grad_output,), _turned(weight), None, stride, both, None) if needs_x else None
    grad_weight = None
    if needs_weight:
        # (kh, kw, O, C) -> (kh, kw, C, O)
        turned = backward.conv2d_grads(
            x, (grad_output,), weight.transpose(0, 1, 3, 2), None, stride, both, ((False,), True, False)
        )[1]
        grad_weight = memory_pool.copy(turned.transpose(0, 1, 3, 2))
    return grad_x, grad_weight, backward.bias_gradient(grad_output, None) if needs_bias else None
