"""Views of a tensor: the same elements in another shape, or with the axes in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import Array


class Reshape(Function):
    """The same elements in another shape.

    y = x in the new shape
    dx = g in the shape of x
    """

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def forward(self, x: Array) -> Array:
        self.save()
        return x.reshape(self.shape)

    def backward(self, grad_output: Array) -> tuple[Array]:
        shape, _ = self.input_types[0]
        return (grad_output.reshape(shape),)


class Transpose(Function):
    """The axes in another order.

    y = x with its axes permuted
    dx = g with the axes permuted back
    """

    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def forward(self, x: Array) -> Array:
        self.save()
        return x.transpose(self.axes)

    def backward(self, grad_output: Array) -> tuple[Array]:
        return (grad_output.transpose(tuple(int(k) for k in np.argsort(self.axes))),)


def reshape(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements, in row-major order, in another shape; one length may be -1."""
    return Reshape(tuple(shape)).apply(x)


def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, all of them named; reversed when `axes` is None or empty."""
    if not axes:
        return Transpose(tuple(reversed(range(x.ndim)))).apply(x)
    order = tuple(k + x.ndim if k < 0 else k for k in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(
            f"transpose: axes must name each of the {x.ndim} axes of shape {x.shape} once, got {tuple(axes)}"
        )
    return Transpose(order).apply(x)
