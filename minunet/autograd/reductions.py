"""Sums and means of tensors, over everything or along axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import array_module

Axes = tuple[int, ...]


def exact_sum(x: Any, axes: Axes, keepdims: bool = False) -> Any:
    """The sum along axes, added up in float64 where NumPy would add one after another.

    NumPy sums a whole array pairwise, but along leading axes element after element: in float32 two million values of 0.1
    come out 1.7 % too large.
    """
    one_by_one = array_module(x) is np and x.dtype.itemsize < 8 and len(axes) < x.ndim
    return x.sum(axis=axes, keepdims=keepdims, dtype=np.float64 if one_by_one else None).astype(x.dtype, copy=False)


class Sum(Function):
    """Every summed element receives the sum's gradient."""

    def __init__(self, axes: Axes, keepdims: bool):
        self.axes, self.keepdims = axes, keepdims

    def forward(self, x: Any) -> Any:
        self.save()
        return exact_sum(x, self.axes, self.keepdims)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        shape, _ = self.input_types[0]
        xp = array_module(grad_output)
        if not self.keepdims:
            grad_output = xp.expand_dims(grad_output, self.axes)
        return (xp.broadcast_to(grad_output, shape),)


def sum(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over all elements, or along one or several axes."""
    return Sum(_axes("sum", x, axis), bool(keepdims)).apply(x)


def mean(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over all elements, or along one or several axes; NaN where there is nothing to average."""
    axes = _axes("mean", x, axis)
    count = int(np.prod([x.shape[k] for k in axes]))
    total = Sum(axes, bool(keepdims)).apply(x)
    return total / count if count else total * float("nan")


def total(parts: list[Tensor]) -> Tensor:
    """The sum of several tensors."""
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def _axes(operation: str, x: Tensor, axis: Any) -> Axes:
    """The axes counted from 0; for a single number (0-d) -1 and 0 stand for no axis, as in PyTorch."""
    if axis is None:
        return tuple(range(x.ndim))
    given = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if x.ndim == 0 and all(k in (-1, 0) for k in given):
        return ()
    try:
        return normalize_axis_tuple(given, x.ndim)
    except ValueError as error:
        raise ValueError(f"{operation}: axis {axis!r} does not fit a tensor of shape {x.shape} ({error})") from None
