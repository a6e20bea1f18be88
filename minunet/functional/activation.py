"""Activations: ReLU, tanh, sigmoid and softmax. Each saves only its output, from which the gradient follows."""

from __future__ import annotations

import numpy as np

from minunet.autograd import Tensor, TensorLike, as_tensor
from minunet.functional.primitive_function import PrimitiveFunction
from minunet.kernels import primitives
from minunet.kernels.backend import Array


class ReLU(PrimitiveFunction):
    """The positive part.

    y = max(x, 0)
    dx = g where y > 0, else 0
    """

    def forward(self, x: Array) -> Array:
        y = primitives.relu(x)
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (primitives.relu_grad(grad_output, y),)


class Tanh(PrimitiveFunction):
    """Hyperbolic tangent.

    y = tanh(x)
    dx = g (1 - y^2)
    """

    def forward(self, x: Array) -> Array:
        y = primitives.tanh(x)
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (primitives.tanh_grad(grad_output, y),)


class Sigmoid(PrimitiveFunction):
    """The logistic function.

    y = 1 / (1 + exp(-x))
    dx = g y (1 - y)
    """

    def forward(self, x: Array) -> Array:
        y = primitives.sigmoid(x)
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (primitives.sigmoid_grad(grad_output, y),)


class Softmax(PrimitiveFunction):
    """Exponentials that sum to 1 along an axis.

    y = exp(x) / sum of exp(x) along the axis
    dx = y (g - sum of g y along the axis)
    """

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x: Array) -> Array:
        y = primitives.softmax(x, self.axis)
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (primitives.softmax_grad(grad_output, y, self.axis),)


def relu(x: TensorLike) -> Tensor:
    """max(x, 0), element by element (Nair and Hinton 2010).

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape. The gradient at 0 is defined as 0.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    Tensor([0., 2.], dtype=float32)
    """
    return ReLU().apply(x)


def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent, element by element.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape; values in (-1, 1).

    Examples
    --------
    >>> tanh([0.0, 100.0])
    Tensor([0., 1.], dtype=float32)
    """
    return Tanh().apply(x)


def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x)), element by element: the probability that belongs to a logit.

    Parameters
    ----------
    x : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the same shape; values in (0, 1), exact for large |x|.

    Examples
    --------
    >>> sigmoid([0.0, 100.0])
    Tensor([0.5, 1. ], dtype=float32)
    """
    return Sigmoid().apply(x)


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """exp(x) divided by its sum along an axis: positive values that sum to 1 (Bridle 1990).

    Parameters
    ----------
    x : Tensor
        Scores of any size; the largest is subtracted first, so that exp cannot overflow. A score of -inf has probability 0. Where
        one is +inf, or all are -inf, the probabilities are NaN, as in PyTorch, and NumPy warns of it.
        A 0-d tensor is a distribution over one class.
    axis : int
        Along which the values sum to 1; negative numbers count from the last.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    ValueError
        If `x` has no such axis.

    Examples
    --------
    >>> softmax([[0.0, 0.0], [7.0, 7.0]])
    Tensor([[0.5, 0.5],
            [0.5, 0.5]], dtype=float32)
    """
    x = as_tensor(x)
    if x.ndim == 0:
        return softmax(x.reshape(1), axis).reshape(())
    if not isinstance(axis, (int, np.integer)) or not -x.ndim <= axis < x.ndim:
        raise ValueError(f"softmax: axis must be between {-x.ndim} and {x.ndim - 1} for shape {x.shape}, got {axis!r}")
    return Softmax(int(axis)).apply(x)
