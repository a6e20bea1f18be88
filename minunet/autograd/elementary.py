"""Elementary functions of tensors, element by element: exponential, logarithm, square root, absolute value.

They follow PyTorch where a value or a slope is not finite: log(0) is -inf with the slope inf, sqrt(0) has the slope inf, abs(0) has
the slope 0. NumPy warns of a division by zero there. In the docstrings y is the output and g the gradient of the loss with respect
to y.
"""

from __future__ import annotations

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor, TensorLike
from minunet.kernels.backend import Array, array_module


class Exp(Function):
    """The exponential.

    y = exp(x)
    dx = g y
    """

    returns_fresh_arrays = True

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.asarray(xp.exp(x))  # an array also of a single number, whose changes are noticed
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (grad_output * y,)


class Log(Function):
    """The natural logarithm.

    y = log(x)
    dx = g / x
    """

    returns_fresh_arrays = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        return array_module(x).log(x)

    def backward(self, grad_output: Array) -> tuple[Array]:
        (x,) = self.saved
        return (grad_output / x,)


class Sqrt(Function):
    """The square root.

    y = sqrt(x)
    dx = g / (2 y)
    """

    returns_fresh_arrays = True

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        y = xp.asarray(xp.sqrt(x))
        self.save(y)
        return y

    def backward(self, grad_output: Array) -> tuple[Array]:
        (y,) = self.saved
        return (grad_output / (2 * y),)


class Absolute(Function):
    """The absolute value.

    y = |x|
    dx = g sign(x), and 0 where x is 0
    """

    returns_fresh_arrays = True

    def forward(self, x: Array) -> Array:
        self.save(x)
        return array_module(x).abs(x)

    def backward(self, grad_output: Array) -> tuple[Array]:
        (x,) = self.saved
        sign = (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)  # 0 for NaN too, as in PyTorch
        return (grad_output * sign,)


def exp(x: TensorLike) -> Tensor:
    """e to the power of x."""
    return Exp().apply(x)


def log(x: TensorLike) -> Tensor:
    """The natural logarithm of x; -inf at 0 and NaN below."""
    return Log().apply(x)


def sqrt(x: TensorLike) -> Tensor:
    """The square root of x; NaN below 0."""
    return Sqrt().apply(x)


def absolute(x: TensorLike) -> Tensor:
    """|x|."""
    return Absolute().apply(x)
