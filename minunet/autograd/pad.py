"""Padding of tensors: a constant around the elements, by any width on either side of each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from minunet.autograd.function import Function
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor
from minunet.kernels.backend import Array, array_module

Widths: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]]


class Pad(Function):
    """The elements with a constant around them.

    y = x, surrounded by the constant
    dx = the part of g that belongs to x
    """

    def __init__(self, widths: tuple[tuple[int, int], ...], value: float):
        self.widths, self.value = widths, value

    def forward(self, x: Array) -> Array:
        self.save()
        return array_module(x).pad(x, self.widths, constant_values=self.value)

    def backward(self, grad_output: Array) -> tuple[Array]:
        shape, _ = self.input_types[0]
        inner = tuple(slice(before, before + n) for (before, _), n in zip(self.widths, shape, strict=True))
        return (grad_output[inner],)


def pad(x: TensorLike, pad_width: Widths, value: float = 0.0) -> Tensor:
    """The elements with a constant around them, as `numpy.pad`.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    pad_width : int, pair of int, or a pair for each axis
        Elements to add before and after along each axis. One number is for both sides of all axes, one pair for all axes.
    value : float
        What is added.

    Returns
    -------
    Tensor
        Each axis longer by its two widths.

    Raises
    ------
    ValueError
        If a width is negative or not a whole number, or several pairs are given that are not as many as the axes.

    Examples
    --------
    >>> from minunet import functional as F
    >>> F.pad([[1.0, 2.0]], ((0, 1), (1, 0)))
    Tensor([[0., 1., 2.],
            [0., 0., 0.]], dtype=float32)
    """
    x = as_tensor(x)
    return Pad(_pairs(pad_width, x), float(value)).apply(x)


def _pairs(pad_width: Any, x: Tensor) -> tuple[tuple[int, int], ...]:
    try:
        widths = np.asarray(pad_width)
        pairs = np.broadcast_to(widths, (x.ndim, 2))
    except ValueError:  # a ragged list, or another number of pairs
        pairs = widths = np.zeros(0)
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        raise ValueError(
            f"pad: pad_width must be whole numbers of at least 0, one, a pair, or a pair for each of the {x.ndim} axes "
            f"of shape {x.shape}, such as {((0, 0), *((1, 1),) * (x.ndim - 1))}, got {pad_width!r}"
        )
    return tuple((int(before), int(after)) for before, after in pairs)
