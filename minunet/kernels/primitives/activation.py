"""ReLU, tanh, sigmoid and softmax. Each gradient is a function of the output y, which is all that has to be saved."""

from __future__ import annotations

import numpy as np

from minunet.kernels.array_spec import ArraySpec
from minunet.kernels.backend import Array, array_module
from minunet.kernels.dispatch import primitive


def _like_first(array: Array, *others: object) -> ArraySpec:
    """The result has the shape and dtype of the first argument."""
    return ArraySpec.of(array)


@primitive(result_spec=_like_first)
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return array_module(x).maximum(x, 0)


@primitive(result_spec=_like_first)
def relu_grad(grad_output: Array, y: Array) -> Array:
    """g where y > 0, else 0 (even where g is not finite)."""
    return array_module(y).where(y > 0, grad_output, 0)


@primitive(result_spec=lambda x: ArraySpec(x.shape, np.dtype(np.bool_)))
def is_positive(x: Array) -> Array:
    """x > 0: of the output of a ReLU all that its gradient reads, in a quarter of the memory or less."""
    return x > 0


@primitive(result_spec=_like_first)
def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return array_module(x).tanh(x)


@primitive(result_spec=_like_first)
def tanh_grad(grad_output: Array, y: Array) -> Array:
    """g (1 - y^2)."""
    return grad_output * (1 - y * y)


@primitive(result_spec=_like_first)
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), computed from exp(-|x|), which cannot overflow."""
    xp = array_module(x)
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(e), e) / (1 + e)


@primitive(result_spec=_like_first)
def sigmoid_grad(grad_output: Array, y: Array) -> Array:
    """g y (1 - y)."""
    return grad_output * (y * (1 - y))


@primitive(result_spec=_like_first)
def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum of exp(x) along the axis; the largest score is subtracted first, so that exp cannot overflow."""
    xp = array_module(x)
    with np.errstate(over="ignore"):  # of scores of 3e38 and -3e38 the difference is minus infinity
        e = xp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@primitive(result_spec=_like_first)
def softmax_grad(grad_output: Array, y: Array, axis: int) -> Array:
    """y (g - sum of g y along the axis)."""
    return y * (grad_output - (grad_output * y).sum(axis=axis, keepdims=True))
