"""Indexing of tensors as in NumPy: numbers and slices give a view, arrays of whole numbers or of booleans a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor
from minunet.kernels.backend import Array, array_module, is_array
from minunet.kernels.plain_array import plain

ONCE = (int, np.integer, np.bool_, slice, type(None), type(Ellipsis))  # parts of an index that take no element twice


class GetItem(Function):
    """The elements that an index chooses.

    y = x[index]
    dx = g where the elements came from, summed where one was chosen several times; else 0
    """

    returns_fresh_arrays = True

    def __init__(self, index: tuple[Any, ...]):
        self.index = index

    def forward(self, x: Array) -> Array:
        self.save()
        return x[self.index]

    def backward(self, grad_output: Array) -> tuple[Array]:
        shape, dtype = self.input_types[0]
        xp = array_module(grad_output)
        if all(isinstance(part, ONCE) or part.dtype.kind == "b" for part in self.index):
            grad = xp.zeros(shape, dtype)
            grad[self.index] = grad_output
            return (grad,)
        size = int(np.prod(shape))
        places = xp.arange(size).reshape(shape)[self.index]
        # bincount adds in float64, so that many uses of one element do not lose digits.
        weights = grad_output.astype(np.float64).reshape(-1)
        total = xp.bincount(places.reshape(-1), weights=weights, minlength=size)
        return (total.reshape(shape).astype(dtype),)


def index(x: Tensor, key: Any) -> Tensor:
    """x[key], with NumPy's rules.

    Raises
    ------
    IndexError
        If the index is out of bounds, has too many parts, or does not consist of whole numbers, slices, None, ``...`` and arrays of
        whole numbers or booleans.
    """
    parts = tuple(_part(part, x) for part in (key if isinstance(key, tuple) else (key,)))
    try:
        return GetItem(parts).apply(x)
    except IndexError as error:
        raise IndexError(f"a tensor of shape {x.shape} has no such elements: {error}") from None


def _part(part: Any, x: Tensor) -> Any:
    """A part of an index; arrays and lists as an own array on the device of `x`."""
    if isinstance(part, ONCE):
        return part
    if isinstance(part, Tensor):
        raise IndexError(
            f"an index holds whole numbers or booleans, and a Tensor holds {part.dtype}: "
            "compare it, such as x[x > 0], or pass x.data.astype(int)"
        )
    part = plain(part)
    array = part if is_array(part) else np.asarray(part)
    if not array.size and not is_array(part):
        array = array.astype(np.intp)  # an empty list chooses nothing
    if array.dtype.kind not in "biu":
        raise IndexError(
            f"an index holds whole numbers, slices, None, ... or arrays of whole numbers or booleans, got {part!r}"
        )
    # A copy, since the backward pass reads it and the caller may change his own.
    return array_module(x.data).array(array, copy=True)
