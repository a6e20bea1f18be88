"""Comparisons of tensors, which give plain boolean arrays, and the choice between two tensors by such an array.

A comparison is constant almost everywhere, so it has no gradient; `where` passes the gradient on to what was chosen.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.autograd.arithmetic import Elementwise, one_precision, operands
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor
from minunet.kernels.backend import Array, array_module
from minunet.kernels.plain_array import is_masked, plain

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Where(Elementwise):
    """The first value where a condition holds, the second elsewhere.

    y = a where the condition holds, else b
    da = g where the condition holds, else 0
    db = 0 where the condition holds, else g
    """

    def __init__(self, condition: Array):
        self.condition = condition

    def value(self, a: Array, b: Array) -> Array:
        return array_module(a).where(self.condition, a, b)

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return array_module(g).where(self.condition, g, 0)

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return array_module(g).where(self.condition, 0, g)


def compare(sign: str, x: Tensor, other: Any) -> Any:
    """The comparison as a boolean array of the broadcast shape; NotImplemented for what is not numbers, such as None or a text."""
    try:
        other = as_tensor(other, x)
    except TypeError:
        if is_masked(other):
            raise
        return NotImplemented
    a, b = one_precision(x.data, other.data)
    try:
        return array_module(a).asarray(COMPARISONS[sign](a, b))
    except ValueError:
        raise ValueError(f"{sign}: shapes {x.shape} and {other.shape} do not broadcast") from None


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """`a` where a condition holds, `b` elsewhere, with broadcasting.

    Parameters
    ----------
    condition : array_like of bool
        Such as ``x > 0``. Of other numbers, all but 0 count as True, as in NumPy. It has no gradient.
    a, b : Tensor or array_like
        Of shapes that broadcast with each other and with `condition`.

    Returns
    -------
    Tensor
        Of the broadcast shape. An element that was not chosen has a gradient of 0, whatever its value.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or `condition` is a tensor that requires a gradient.

    Notes
    -----
    The gradient of 0 still passes through the operations before, where 0 times inf is NaN, as in every framework. So
    ``where(x > 0, x.log(), 0)`` has the gradient NaN at 0, and ``where(x > 0, x.clip(1e-6).log(), 0)`` has not.

    Examples
    --------
    >>> import minunet
    >>> x = minunet.Tensor([-2.0, 3.0], requires_grad=True)
    >>> y = minunet.where(x > 0, x, 0.1 * x)
    >>> y.sum().backward()
    >>> x.grad
    array([0.1, 1. ], dtype=float32)
    """
    if isinstance(condition, Tensor):
        if condition.requires_grad:
            raise ValueError(
                "where: condition cannot require a gradient; compare it, such as x > 0, or pass x.detach()"
            )
        condition = condition.data
    a, b = operands(a, b)
    array = array_module(a.data).asarray(plain(condition))
    if array.dtype.kind not in "biuf":
        raise TypeError(f"where: condition must hold booleans, got {type(condition).__name__} of dtype {array.dtype}")
    try:
        np.broadcast_shapes(array.shape, a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"where: condition, a and b must broadcast, but their shapes are {array.shape}, {a.shape} and {b.shape}"
        ) from None
    # `array != 0` is a new array, which the backward pass reads: the caller may change his own.
    return Where(array != 0).apply(a, b)
