"""Activations: ReLU, tanh, sigmoid and softmax; each keeps only its output, from which its gradient follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Function, Tensor, as_tensor
from minunet.functional.validation import contiguous
from minunet.kernels import primitives


class _FromOutput(Function):
    """An elementwise operation whose gradient is a function of its output."""

    returns_fresh_arrays = True
    value: Any
    slope: Any

    def forward(self, x: Any) -> Any:
        y = self.value(contiguous(x))
        self.save(y)
        return y

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (self.slope(contiguous(grad_output), self.saved[0]),)


class ReLU(_FromOutput):
    """max(x, 0); the gradient is 1 where the output is positive, else 0."""

    value, slope = primitives.relu, primitives.relu_grad


class Tanh(_FromOutput):
    """tanh'(x) = 1 - tanh(x)^2."""

    value, slope = primitives.tanh, primitives.tanh_grad


class Sigmoid(_FromOutput):
    """sigmoid'(x) = sigmoid(x) (1 - sigmoid(x))."""

    value, slope = primitives.sigmoid, primitives.sigmoid_grad


class Softmax(Function):
    """d(loss)/dx = y (g - sum of g y along the axis)."""

    returns_fresh_arrays = True

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x: Any) -> Any:
        y = primitives.softmax(contiguous(x), self.axis)
        self.save(y)
        return y

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (primitives.softmax_grad(contiguous(grad_output), self.saved[0], self.axis),)


def relu(x: Any) -> Tensor:
    """max(x, 0), elementwise, any shape (Nair and Hinton 2010). The gradient at 0 is taken as 0."""
    return ReLU().apply(x)


def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent, elementwise, any shape; values in (-1, 1)."""
    return Tanh().apply(x)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)), elementwise, any shape; values in (0, 1), exact for large |x|."""
    return Sigmoid().apply(x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) divided by its sum along an axis: positive, and 1 in sum (Bridle 1990).

    Parameters
    ----------
    x : Tensor
        Scores of any size; the largest is subtracted first, so that 1e4 is no different from 1. A 0-d tensor is a
        distribution over one class.
    axis : int

    Raises
    ------
    ValueError
        If `x` has no such axis.
    """
    x = as_tensor(x)
    if x.ndim == 0:
        return softmax(x.reshape(1), axis).reshape(())
    if not isinstance(axis, (int, np.integer)) or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"softmax: axis must be between {-x.ndim} and {x.ndim - 1} for shape {x.shape}, got {axis!r}")
    return Softmax(int(axis)).apply(x)
