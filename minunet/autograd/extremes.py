"""Larger and smaller values: of two tensors, along axes, and within bounds, with PyTorch's gradients where values are equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.autograd.arithmetic import Elementwise, one_precision, operands, unbroadcast
from minunet.autograd.conversion import is_narrow
from minunet.autograd.function import Function
from minunet.autograd.reductions import Axes, numbered_axes
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor
from minunet.kernels.backend import Array, array_module


class Maximum(Elementwise):
    """The larger of two values; NaN where one of them is NaN.

    y = max(a, b)
    da = g where a > b, g / 2 where a = b, else 0
    db = g where b > a, g / 2 where a = b, else 0
    """

    inputs_of_grad = ("ab", "ab")

    def value(self, a: Array, b: Array) -> Array:
        return array_module(a).maximum(a, b)

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return _share(g, a == b, lost=a < b)

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return _share(g, a == b, lost=b < a)


class Minimum(Elementwise):
    """The smaller of two values; NaN where one of them is NaN.

    y = min(a, b)
    da = g where a < b, g / 2 where a = b, else 0
    db = g where b < a, g / 2 where a = b, else 0
    """

    inputs_of_grad = ("ab", "ab")

    def value(self, a: Array, b: Array) -> Array:
        return array_module(a).minimum(a, b)

    def grad_a(self, g: Array, a: Array, b: Array) -> Array:
        return _share(g, a == b, lost=a > b)

    def grad_b(self, g: Array, a: Array, b: Array) -> Array:
        return _share(g, a == b, lost=b > a)


def _share(g: Array, tied: Array, lost: Array) -> Array:
    """The gradient of one of two values: all of g, half of it where they are equal, 0 where the other was chosen."""
    xp = array_module(g)
    return xp.where(lost, 0, xp.where(tied, g / 2, g)).astype(g.dtype, copy=False)


class _Extreme(Function):
    """The largest or the smallest value along axes. Elements that share it share its gradient, as in PyTorch's `amax`."""

    returns_fresh_arrays = True

    def __init__(self, axes: Axes, keepdims: bool):
        self.axes, self.keepdims = axes, keepdims

    def select(self, x: Array) -> Array:
        """The value along the axes, which keep a length of 1."""
        raise TypeError(f"{type(self).__name__} does not define select")

    def forward(self, x: Array) -> Array:
        y = array_module(x).asarray(self.select(x))
        self.save(x, y)
        return y if self.keepdims else y.reshape([n for k, n in enumerate(x.shape) if k not in self.axes])

    def backward(self, grad_output: Array) -> tuple[Array]:
        x, y = self.saved
        # A NaN is the largest and the smallest value, as in NumPy and PyTorch; it equals nothing, not even itself.
        chosen = (x == y) | ((x != x) & (y != y))
        count = chosen.sum(axis=self.axes, keepdims=True)
        share = grad_output.reshape(y.shape) / count.astype(np.float32 if is_narrow(x) else x.dtype)
        return (array_module(x).where(chosen, share, 0).astype(x.dtype, copy=False),)


class Max(_Extreme):
    """The largest value along the axes.

    y = max of x along the axes
    dx = g / m where x = y, m the number of elements with that value; else 0
    """

    def select(self, x: Array) -> Array:
        return x.max(axis=self.axes, keepdims=True)


class Min(_Extreme):
    """The smallest value along the axes.

    y = min of x along the axes
    dx = g / m where x = y, m the number of elements with that value; else 0
    """

    def select(self, x: Array) -> Array:
        return x.min(axis=self.axes, keepdims=True)


class Clip(Function):
    """The value, no less than a lower bound and no more than an upper one; NaN stays NaN.

    y = min(max(x, low), high)
    dx = g where low <= x <= high, else 0
    dlow = g where x < low < high, else 0
    dhigh = g where x > high or low > high, else 0
    """

    def forward(self, x: Array, low: Array | None, high: Array | None) -> Array:
        xp = array_module(x)
        low, high = (None if bound is None else one_precision(x, bound)[1] for bound in (low, high))
        self.save(x, low, high)
        y = x
        if low is not None:
            y = xp.maximum(y, low)
        if high is not None:
            y = xp.minimum(y, high)
        return y

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        x, low, high = self.saved
        within = (low is None or low <= x) & (high is None or x <= high)
        below = low is not None and (x < low) & (high is None or low < high)
        above = high is not None and (x > high) | (low is not None and low > high)
        xp = array_module(x)
        return tuple(
            unbroadcast(xp.where(passes, grad_output, 0), shape, dtype) if needed else None
            for passes, (shape, dtype), needed in zip(
                (within, below, above), self.input_types, self.needs_input_grad, strict=True
            )
        )


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two values, element by element, with broadcasting.

    Parameters
    ----------
    a, b : Tensor or array_like
        Of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape. NaN where `a` or `b` is NaN. Where both are equal, each gets half of the gradient, as in PyTorch.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import minunet
    >>> minunet.maximum(minunet.Tensor([-1.0, 2.0]), 0)
    Tensor([0., 2.], dtype=float32)
    """
    return Maximum().apply(*operands(a, b))


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two values, element by element, with broadcasting.

    Parameters
    ----------
    a, b : Tensor or array_like
        Of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape; NaN and equal values as for `maximum`.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import minunet
    >>> minunet.minimum(minunet.Tensor([-1.0, 2.0]), 0)
    Tensor([-1.,  0.], dtype=float32)
    """
    return Minimum().apply(*operands(a, b))


def max(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The largest element, of all or along one or several axes."""
    return Max(_filled_axes("max", x, axis), bool(keepdims)).apply(x)


def min(x: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """The smallest element, of all or along one or several axes."""
    return Min(_filled_axes("min", x, axis), bool(keepdims)).apply(x)


def clip(x: Tensor, low: TensorLike | None, high: TensorLike | None) -> Tensor:
    """The elements, no less than `low` and no more than `high`."""
    if low is None and high is None:
        raise ValueError("clip: give min, max or both")
    bounds = [None if bound is None else as_tensor(bound, x) for bound in (low, high)]
    _check_bounds(x, bounds)
    return Clip().apply(x, *bounds)


def _check_bounds(x: Tensor, bounds: Sequence[Tensor | None]) -> None:
    shapes = [b.shape for b in bounds if b is not None]
    try:
        np.broadcast_shapes(x.shape, *shapes)
    except ValueError:
        raise ValueError(
            f"clip: bounds of shape {' and '.join(map(str, shapes))} do not broadcast with a tensor of shape {x.shape}"
        ) from None


def _filled_axes(operation: str, x: Tensor, axis: int | Sequence[int] | None) -> Axes:
    """The axes counted from 0; an axis without elements has no largest one."""
    axes = numbered_axes(operation, x, axis)
    if any(x.shape[k] == 0 for k in axes):
        raise ValueError(f"{operation}: there are no elements to choose from along axis {axis} of shape {x.shape}")
    return axes
