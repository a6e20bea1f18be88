"""The arithmetic of tensors: each operation's value beside its derivatives, broadcasting as NumPy does.

A broadcast input was used several times, so its gradient is the sum over the uses.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor, as_tensor
from minunet.kernels.backend import array_module


def unbroadcast(grad: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Sum `grad` over the axes along which an array of `shape` was repeated to meet it."""
    if grad.shape != shape:
        lead = grad.ndim - len(shape)
        repeated = tuple(range(lead)) + tuple(
            lead + k for k, length in enumerate(shape) if length == 1 and grad.shape[lead + k] != 1
        )
        grad = grad.sum(axis=repeated, keepdims=True).reshape(shape)
    return array_module(grad).asarray(grad, dtype=dtype)


class _Binary(Function):
    """An elementwise operation of two inputs; subclasses give the value and the two gradients before un-broadcasting."""

    is_linear = False  # whether the gradients can do without the inputs, which are then not kept

    def forward(self, a: Any, b: Any) -> Any:
        self.save(*((None, None) if self.is_linear else (a, b)))
        return self.value(a, b)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        a, b = self.saved
        slopes = (self.slope_a, self.slope_b)
        return tuple(
            unbroadcast(slope(grad_output, a, b), *kind) if needed else None
            for slope, kind, needed in zip(slopes, self.input_types, self.needs_input_grad, strict=True)
        )

    def value(self, a: Any, b: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define value")

    def slope_a(self, g: Any, a: Any, b: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define slope_a")

    def slope_b(self, g: Any, a: Any, b: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define slope_b")


class Add(_Binary):
    is_linear = True

    def value(self, a, b):
        return a + b

    def slope_a(self, g, a, b):
        return g

    def slope_b(self, g, a, b):
        return g


class Subtract(_Binary):
    is_linear = True

    def value(self, a, b):
        return a - b

    def slope_a(self, g, a, b):
        return g

    def slope_b(self, g, a, b):
        return -g


class Multiply(_Binary):
    def value(self, a, b):
        return a * b

    def slope_a(self, g, a, b):
        return g * b

    def slope_b(self, g, a, b):
        return g * a


class Divide(_Binary):
    def value(self, a, b):
        return a / b

    def slope_a(self, g, a, b):
        return g / b

    def slope_b(self, g, a, b):
        return -g * a / (b * b)


class Power(_Binary):
    """a ** b: d/da = b a^(b-1), which is 0 where b is 0; d/db = a^b log(a), taken as 0 where a is 0."""

    def value(self, a, b):
        return a**b

    def slope_a(self, g, a, b):
        xp = array_module(a)
        zero_exponent = b == 0
        return g * xp.where(zero_exponent, 0, b * a ** xp.where(zero_exponent, 1, b - 1))

    def slope_b(self, g, a, b):
        xp = array_module(a)
        zero_base = a == 0
        return g * xp.where(zero_base, 0, a**b * xp.log(xp.where(zero_base, 1, a)))


class MatMul(Function):
    """a @ b with NumPy's rules: 1-D operands are vectors, leading axes broadcast."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save(a, b)
        return a @ b

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        a, b = self.saved
        # Vectors become matrices of one row or column, so that one formula serves: dA = G B^T, dB = A^T G.
        rows = a[None, :] if a.ndim == 1 else a
        columns = b[:, None] if b.ndim == 1 else b
        grad = grad_output
        if b.ndim == 1:
            grad = grad[..., None]
        if a.ndim == 1:
            grad = grad[..., None, :]
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            grad_a = unbroadcast(grad @ columns.swapaxes(-1, -2), rows.shape, a.dtype).reshape(a.shape)
        if self.needs_input_grad[1]:
            grad_b = unbroadcast(rows.swapaxes(-1, -2) @ grad, columns.shape, b.dtype).reshape(b.shape)
        return grad_a, grad_b


class Sum(Function):
    """Every summed element receives the sum's gradient."""

    def __init__(self, axis: Any, keepdims: bool):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x: Any) -> Any:
        self.save(x.shape)
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        (shape,) = self.saved
        xp = array_module(grad_output)
        if self.axis is not None and not self.keepdims:
            axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
            grad_output = xp.expand_dims(grad_output, tuple(k % len(shape) for k in axes))
        return (xp.broadcast_to(grad_output, shape),)


class Reshape(Function):
    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def forward(self, x: Any) -> Any:
        self.save(x.shape)
        return x.reshape(self.shape)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (grad_output.reshape(self.saved[0]),)


class Transpose(Function):
    def __init__(self, axes: tuple[int, ...]):
        self.axes = axes

    def forward(self, x: Any) -> Any:
        self.axes = tuple(k % x.ndim for k in self.axes) or tuple(reversed(range(x.ndim)))
        return x.transpose(self.axes)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (grad_output.transpose(tuple(int(k) for k in np.argsort(self.axes))),)


def _operands(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors; a Python number takes the other's dtype and device, so that float64 * 2.0 stays float64."""
    if isinstance(a, Tensor) and isinstance(b, (int, float)):
        return a, Tensor(array_module(a.data).asarray(b, dtype=a.dtype))
    if isinstance(b, Tensor) and isinstance(a, (int, float)):
        return Tensor(array_module(b.data).asarray(a, dtype=b.dtype)), b
    return as_tensor(a), as_tensor(b)


def add(a: Any, b: Any) -> Tensor:
    """a + b."""
    return Add().apply(*_operands(a, b))


def subtract(a: Any, b: Any) -> Tensor:
    """a - b."""
    return Subtract().apply(*_operands(a, b))


def multiply(a: Any, b: Any) -> Tensor:
    """a * b, elementwise."""
    return Multiply().apply(*_operands(a, b))


def divide(a: Any, b: Any) -> Tensor:
    """a / b, elementwise."""
    return Divide().apply(*_operands(a, b))


def power(a: Any, b: Any) -> Tensor:
    """a ** b, elementwise."""
    return Power().apply(*_operands(a, b))


def matmul(a: Any, b: Any) -> Tensor:
    """Matrix product."""
    return MatMul().apply(a, b)


def sum(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over all elements, or along one or several axes."""
    return Sum(axis, keepdims).apply(x)


def mean(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over all elements, or along one or several axes."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = builtins.max(1, int(np.prod([x.shape[k] for k in axes])))
    return sum(x, axis, keepdims) * (1.0 / count)


def total(parts: list[Tensor]) -> Tensor:
    """The sum of several tensors."""
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The same elements in another shape."""
    return Reshape(tuple(shape)).apply(x)


def transpose(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The axes in another order; reversed when `axes` is empty."""
    return Transpose(tuple(axes)).apply(x)
