"""ReLU, tanh, sigmoid and softmax; each gradient is written in terms of the output y, which is all that has to be kept."""

from __future__ import annotations

from minunet.kernels.backend import array_module
from minunet.kernels.dispatch import primitive
from minunet.kernels.primitives.windows import Array


@primitive
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return array_module(x).maximum(x, 0)


@primitive
def relu_grad(grad_output: Array, y: Array) -> Array:
    """g where y > 0, else 0 (even where g is not finite)."""
    return array_module(y).where(y > 0, grad_output, 0)


@primitive
def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return array_module(x).tanh(x)


@primitive
def tanh_grad(grad_output: Array, y: Array) -> Array:
    """g (1 - y^2)."""
    return grad_output * (1 - y * y)


@primitive
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), from exp(-|x|) alone, which cannot overflow."""
    xp = array_module(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(e), e) / (1 + e)


@primitive
def sigmoid_grad(grad_output: Array, y: Array) -> Array:
    """g y (1 - y)."""
    return grad_output * (y * (1 - y))


@primitive
def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum of exp(x) along the axis; the largest score is subtracted first, so that exp cannot overflow."""
    xp = array_module(x)
    e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@primitive
def softmax_grad(grad_output: Array, y: Array, axis: int) -> Array:
    """y (g - sum of g y along the axis)."""
    return y * (grad_output - (grad_output * y).sum(axis=axis, keepdims=True))
