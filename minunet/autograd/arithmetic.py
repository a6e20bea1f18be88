"""The arithmetic of tensors: each operation's value beside its derivatives, broadcasting as NumPy does.

A broadcast input was used several times, so its gradient is the sum over the uses.
"""

from __future__ import annotations

from typing import Any

from minunet.autograd.function import Function
from minunet.autograd.reductions import exact_sum
from minunet.autograd.tensor import Tensor, as_tensor
from minunet.kernels.backend import array_module


def unbroadcast(grad: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Sum `grad` over the axes along which an array of `shape` was repeated to meet it."""
    if grad.shape != shape:
        lead = grad.ndim - len(shape)
        repeated = tuple(range(lead)) + tuple(
            lead + k for k, length in enumerate(shape) if length == 1 and grad.shape[lead + k] != 1
        )
        grad = exact_sum(grad, repeated, keepdims=True).reshape(shape)
    return array_module(grad).asarray(grad, dtype=dtype)


class _Binary(Function):
    """An elementwise operation of two inputs; subclasses give the value and the two gradients before un-broadcasting.

    As in PyTorch a single number (0-d) does not raise the precision of the array it meets.
    """

    reads = ("", "")  # what slope_a reads, and slope_b: "a", "b" or both; the rest is not kept

    def forward(self, a: Any, b: Any) -> Any:
        if a.dtype != b.dtype and (a.ndim == 0) != (b.ndim == 0):
            a, b = (a.astype(b.dtype), b) if a.ndim == 0 else (a, b.astype(a.dtype))
        read = [
            name for names, needed in zip(self.reads, self.needs_input_grad, strict=True) if needed for name in names
        ]
        self.save(a if "a" in read else None, b if "b" in read else None)
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
    def value(self, a, b):
        return a + b

    def slope_a(self, g, a, b):
        return g

    def slope_b(self, g, a, b):
        return g


class Subtract(_Binary):
    def value(self, a, b):
        return a - b

    def slope_a(self, g, a, b):
        return g

    def slope_b(self, g, a, b):
        return -g


class Multiply(_Binary):
    reads = ("b", "a")

    def value(self, a, b):
        return a * b

    def slope_a(self, g, a, b):
        return g * b

    def slope_b(self, g, a, b):
        return g * a


class Divide(_Binary):
    reads = ("b", "ab")

    def value(self, a, b):
        return a / b

    def slope_a(self, g, a, b):
        return g / b

    def slope_b(self, g, a, b):
        return -g * a / (b * b)


class Power(_Binary):
    """a ** b: d/da = b a^(b-1), which is 0 where b is 0; d/db = a^b log(a), taken as 0 where a is 0 and b is not negative."""

    reads = ("ab", "ab")

    def value(self, a, b):
        return a**b

    def slope_a(self, g, a, b):
        xp = array_module(a)
        zero_exponent = b == 0
        return g * xp.where(zero_exponent, 0, b * a ** xp.where(zero_exponent, 1, b - 1))

    def slope_b(self, g, a, b):
        xp = array_module(a)
        flat = (a == 0) & (b >= 0)
        return g * xp.where(flat, 0, a**b * xp.log(xp.where(flat, 1, a)))


class MatMul(Function):
    """a @ b with NumPy's rules: 1-D operands are vectors, leading axes broadcast."""

    def forward(self, a: Any, b: Any) -> Any:
        needs_a, needs_b = self.needs_input_grad
        self.save(a if needs_b else None, b if needs_a else None)
        return a @ b

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        a, b = self.saved
        (shape_a, dtype_a), (shape_b, dtype_b) = self.input_types
        # Vectors become matrices of one row or column, so that one formula serves: dA = G B^T, dB = A^T G.
        rows_shape = (1, *shape_a) if len(shape_a) == 1 else shape_a
        columns_shape = (*shape_b, 1) if len(shape_b) == 1 else shape_b
        grad = grad_output
        if len(shape_b) == 1:
            grad = grad[..., None]
        if len(shape_a) == 1:
            grad = grad[..., None, :]
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            columns = b.reshape(columns_shape)
            grad_a = unbroadcast(grad @ columns.swapaxes(-1, -2), rows_shape, dtype_a).reshape(shape_a)
        if self.needs_input_grad[1]:
            rows = a.reshape(rows_shape)
            grad_b = unbroadcast(rows.swapaxes(-1, -2) @ grad, columns_shape, dtype_b).reshape(shape_b)
        return grad_a, grad_b


def _operands(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors; what is not one takes the other's device, and its dtype unless it is a floating-point array."""
    return as_tensor(a, b if isinstance(b, Tensor) else None), as_tensor(b, a if isinstance(a, Tensor) else None)


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
    """The matrix product a @ b; 1-D operands are vectors, leading axes broadcast."""
    return MatMul().apply(*_operands(a, b))
