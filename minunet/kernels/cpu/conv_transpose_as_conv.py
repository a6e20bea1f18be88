"""Up-convolution with any kernel, stride and padding, through the convolution of which it is the transpose.

conv_transpose2d with a kernel (kh, kw, C, O) is the input gradient of the convolution from O to C channels with the same
kernel, stride and padding. Its own gradients are thus that convolution and the gradient of its kernel.
"""

from __future__ import annotations

import numpy as np

from minunet.kernels import primitives
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.array_types import UpGrads, are_numpy_floats
from minunet.kernels.cpu.epilogue import add_bias, bias_row
from minunet.kernels.cpu.im2col import backward, forward
from minunet.kernels.cpu.im2col.bias_gradient import bias_gradient
from minunet.kernels.primitives.conv import UpNeeds
from minunet.kernels.primitives.windows import IntPair

_WHY = "the convolution whose transpose this is, by matrix products"
_ONLY_X = ((True,), False, False)  # which gradients of the convolution are needed
_ONLY_WEIGHT = ((False,), True, False)


def _conv_weight(weight: np.ndarray) -> np.ndarray:
    """The weight of the convolution: (kh, kw, C, O) -> (kh, kw, O, C), a view."""
    return weight.transpose(0, 1, 3, 2)


def _out_shape(x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair) -> tuple[int, int, int, int]:
    height, width = primitives.conv_transpose_out_size(x.shape[1:3], weight.shape[:2], stride, padding)
    return len(x), height, width, weight.shape[3]


def _applies(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, *_: object) -> bool:
    return are_numpy_floats(x, weight, bias) and x.size > 0


def _cost(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: IntPair) -> float:
    image = np.broadcast_to(x.dtype.type(0), _out_shape(x, weight, stride, padding))
    both_sides = primitives.symmetric(padding)
    return backward.backward_cost(x, (image,), _conv_weight(weight), None, stride, both_sides, _ONLY_X)


def _grads_applies(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, *_: object) -> bool:
    return are_numpy_floats(grad_output, x, weight) and x.size > 0


def _grads_cost(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> float:
    conv_weight, both_sides = _conv_weight(weight), primitives.symmetric(padding)
    cost = forward.forward_cost((grad_output,), conv_weight, None, stride, both_sides, None) if needs[0] else 0
    needed = ((False,), needs[1], False)
    return cost + backward.backward_cost(x, (grad_output,), conv_weight, None, stride, both_sides, needed)


@primitives.conv_transpose2d.register("conv_transpose_as_conv", when=_applies, cost=_cost, why=_WHY)
def conv_transpose2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: IntPair, padding: IntPair
) -> np.ndarray:
    """See `primitives.conv_transpose2d`."""
    # The input of the convolution, of which only the shape is used.
    image = memory_pool.empty(_out_shape(x, weight, stride, padding), x.dtype)
    conv_weight = memory_pool.copy(_conv_weight(weight))
    (y,), _, _ = backward.conv2d_grads(x, (image,), conv_weight, None, stride, primitives.symmetric(padding), _ONLY_X)
    assert y is not None
    add_bias(y, bias_row(bias, y.shape[2]))
    return y


@primitives.conv_transpose2d_grads.register("conv_transpose_as_conv", when=_grads_applies, cost=_grads_cost, why=_WHY)
def conv_transpose2d_grads(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: IntPair, padding: IntPair, needs: UpNeeds
) -> UpGrads:
    """See `primitives.conv_transpose2d_grads`."""
    needs_x, needs_weight, needs_bias = needs
    both_sides = primitives.symmetric(padding)
    grad_output = np.ascontiguousarray(grad_output)
    grad_x = grad_weight = None
    if needs_x:
        conv_weight = memory_pool.copy(_conv_weight(weight))
        grad_x = forward.conv2d((grad_output,), conv_weight, None, stride, both_sides, None)
    if needs_weight:
        _, grad_conv_weight, _ = backward.conv2d_grads(
            x, (grad_output,), _conv_weight(weight), None, stride, both_sides, _ONLY_WEIGHT
        )
        assert grad_conv_weight is not None
        grad_weight = memory_pool.copy(grad_conv_weight.transpose(0, 1, 3, 2))  # (kh, kw, O, C) -> (kh, kw, C, O)
    return grad_x, grad_weight, bias_gradient(grad_output, None) if needs_bias else None
