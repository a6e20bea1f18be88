"""The arithmetic of tensors: each operation's value and its derivatives, with broadcasting as in NumPy.

A broadcast input was used several times, so its gradient is the sum over these uses. In the docstrings y is the output and
g the gradient of the loss with respect to y; the gradients are stated before that sum.
"""

from __future__ import annotations

import numpy as np

from minunet.autograd.function import Function
from minunet.autograd.reductions import exact_sum
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor
from minunet.kernels import primitives
from minunet.kernels.backend import Array, array_module


def unbroadcast(grad: Array, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Sum `grad` over the axes along which an array of `shape` was broadcast.

    Examples
    --------
    >>> unbroadcast(np.ones((4, 2, 3)), (2, 1), np.dtype(float))
    array([[12.],
           [12.]])
    """
    if grad.shape != shape:
        lead = grad.ndim - len(shape)
        repeated = tuple(range(lead)) + tuple(
            lead + k for k, length in enumerate(shape) if length == 1 and grad.shape[lead + k] != 1
        )
        grad = exact_sum(grad, repeated, keepdims=True).reshape(shape)
    return array_module(grad).asarray(grad, dtype=dtype)


def one_precision(a: Array, b: Array) -> tuple[Array, Array]:
    """Both arrays; a single number (0-d) gets the dtype of the other, whose precision it does not raise, as in PyTorch."""
    if a.dtype != b.dtype and (a.ndim == 0) != (b.ndim == 0):
        return (a.astype(b.dtype), b) if a.ndim == 0 else (a, b.astype(a.dtype))
    return a, b


class Elementwise(Function):
    """Base of the elementwise operations of two inputs: subclasses define the value, and the two gradients before that sum."""

    inputs_of_grad = ("", "")  # the inputs that grad_a reads, and those that grad_b reads: "", "a", "b" or "ab"

    def forward(self, a: Array, b: Array) -> Array:
        a, b = one_precision(a, b)
        pairs = zip(self.inputs_of_grad, self.needs_input_grad, strict=True)
        to_save = {name for names, needed in pairs if needed for name in names}
        self.save(a if "a" in to_save else None, b if "b" in to_save else None)
        try:
            return self.value(a, b)
        except ValueError:
            name = type(self).__name__.lower()
            raise ValueError(f"{name}: shapes {a.shape} and {b.shape} do not broadcast") from None

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        a, b = self.saved
        return tuple(
            unbroadcast(grad(grad_output, a, b), shape, dtype) if needed else None
            for grad, (shape, dtype), needed in zip(
                (self.grad_a, self.grad_b), self.input_types, self.needs_input_grad, strict=True
            )
        )

    def value(self, a: Array, b: Array) -> Array:
        raise TypeError(f"{type(self).__name__} does not define value")

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        raise TypeError(f"{type(self).__name__} does not define grad_a")

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        raise TypeError(f"{type(self).__name__} does not define grad_b")


class Add(Elementwise):
    """The sum.

    y = a + b
    da = g
    db = g
    """

    def value(self, a: Array, b: Array) -> Array:
        return a + b

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return g

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return g


class Subtract(Elementwise):
    """The difference.

    y = a - b
    da = g
    db = -g
    """

    def value(self, a: Array, b: Array) -> Array:
        return a - b

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return g

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return -g


class Multiply(Elementwise):
    """The product, element by element.

    y = a b
    da = g b
    db = g a
    """

    inputs_of_grad = ("b", "a")

    def value(self, a: Array, b: Array) -> Array:
        return a * b

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return g * b

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return g * a


class Divide(Elementwise):
    """The quotient.

    y = a / b
    da = g / b
    db = -g a / b^2
    """

    inputs_of_grad = ("b", "ab")

    def value(self, a: Array, b: Array) -> Array:
        return a / b

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return g / b

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return -g * a / (b * b)


class Power(Elementwise):
    """The power.

    y = a^b
    da = g b a^(b - 1), and 0 where b is 0
    db = g a^b log(a), and 0 where a is 0 and b is not negative
    """

    inputs_of_grad = ("ab", "ab")

    def value(self, a: Array, b: Array) -> Array:
        return a**b

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        xp = array_module(a)
        zero_exponent = b == 0
        return g * xp.where(zero_exponent, 0, b * a ** xp.where(zero_exponent, 1, b - 1))

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        xp = array_module(a)
        zero_base = (a == 0) & (b >= 0)
        return g * xp.where(zero_base, 0, a**b * xp.log(xp.where(zero_base, 1, a)))


class MatMul(Function):
    """The matrix product with NumPy's rules: 1-D operands are vectors, leading axes broadcast.

    y = a @ b
    da = g @ b^T
    db = a^T @ g
    """

    def forward(self, a: Array, b: Array) -> Array:
        needs_a, needs_b = self.needs_input_grad
        self.save(a if needs_b else None, b if needs_a else None)
        return primitives.matmul(a, b)

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        a, b = self.saved
        (shape_a, dtype_a), (shape_b, dtype_b) = self.input_types
        # Vectors become matrices of one row or column, so that the formulas for matrices apply.
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
            grad_a = unbroadcast(primitives.matmul(grad, columns.swapaxes(-1, -2)), rows_shape, dtype_a).reshape(
                shape_a
            )
        if self.needs_input_grad[1]:
            rows = a.reshape(rows_shape)
            grad_b = unbroadcast(primitives.matmul(rows.swapaxes(-1, -2), grad), columns_shape, dtype_b).reshape(
                shape_b
            )
        return grad_a, grad_b


def operands(a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors; a non-tensor gets the other's device, and its dtype unless it is a floating-point array."""
    return as_tensor(a, b if isinstance(b, Tensor) else None), as_tensor(b, a if isinstance(a, Tensor) else None)


def add(a: TensorLike, b: TensorLike) -> Tensor:
    """a + b."""
    return Add().apply(*operands(a, b))


def subtract(a: TensorLike, b: TensorLike) -> Tensor:
    """a - b."""
    return Subtract().apply(*operands(a, b))


def multiply(a: TensorLike, b: TensorLike) -> Tensor:
    """a * b, elementwise."""
    return Multiply().apply(*operands(a, b))


def divide(a: TensorLike, b: TensorLike) -> Tensor:
    """a / b, elementwise."""
    return Divide().apply(*operands(a, b))


def power(a: TensorLike, b: TensorLike) -> Tensor:
    """a ** b, elementwise."""
    return Power().apply(*operands(a, b))


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """The matrix product a @ b; 1-D operands are vectors, leading axes broadcast."""
    left, right = operands(a, b)
    if not primitives.can_multiply(left.shape, right.shape):
        raise ValueError(f"matmul: arrays of shapes {left.shape} and {right.shape} have no matrix product")
    return MatMul().apply(left, right)
