"""Joining and fitting images together: concatenation, nearest-neighbour upsampling, padding and cropping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.autograd import Function, Tensor
from minunet.functional.validation import contiguous, images, pair
from minunet.functional.validation import tensors as as_tensors
from minunet.kernels import primitives
from minunet.kernels.backend import array_module
from minunet.kernels.primitives import IntPair


class Concat(Function):
    """Arrays end to end; each gradient is the part of the output's gradient that the array filled (a view)."""

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, *arrays: Any) -> Any:
        self.save([a.shape[self.axis] for a in arrays])
        return array_module(*arrays).concatenate(arrays, axis=self.axis)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        grads, first = [], 0
        for length, needed in zip(self.saved[0], self.needs_input_grad, strict=True):
            part = [slice(None)] * grad_output.ndim
            part[self.axis] = slice(first, first + length)
            grads.append(grad_output[tuple(part)] if needed else None)
            first += length
        return tuple(grads)


class Upsample2d(Function):
    """Each pixel becomes a block; its gradient is the sum over the block."""

    def __init__(self, scale: IntPair):
        self.scale = scale

    def forward(self, x: Any) -> Any:
        self.save()
        return x.repeat(self.scale[0], axis=1).repeat(self.scale[1], axis=2)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        return (primitives.sum_pool2d(contiguous(grad_output), self.scale, self.scale, (0, 0)),)


class Fit(Function):
    """Rows and columns added (zeros) or removed at the bottom and right, to a given height and width."""

    def __init__(self, size: IntPair):
        self.size = size

    def forward(self, x: Any) -> Any:
        self.save()
        return _fit(x, self.size)

    def backward(self, grad_output: Any) -> tuple[Any, ...]:
        (_, h, w, _), _ = self.input_types[0]
        return (_fit(grad_output, (h, w)),)


def _fit(x: Any, size: IntPair) -> Any:
    cropped = x[:, : size[0], : size[1]]
    missing = size[0] - cropped.shape[1], size[1] - cropped.shape[2]
    return primitives.pad_image(cropped, ((0, missing[0]), (0, missing[1]))) if any(missing) else contiguous(cropped)


def concat(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors joined end to end along one axis; single numbers (0-d) join into a vector.

    Parameters
    ----------
    tensors : sequence of Tensor or array
        Of one rank and, but for `axis`, one shape.
    axis : int

    Raises
    ------
    ValueError
        If the list is empty, the axis does not exist, or the other axes, dtypes or devices differ.
    """
    named = {f"tensors[{k}]": value for k, value in enumerate(tensors)}
    if not named:
        raise ValueError("concat: the list of tensors is empty")
    parts = [t.reshape(1) if t.ndim == 0 else t for t in as_tensors("concat", named).values()]
    rank = parts[0].ndim
    if any(t.ndim != rank for t in parts):
        raise ValueError(f"concat: the tensors must have one number of axes, got shapes {[t.shape for t in parts]}")
    if not isinstance(axis, (int, np.integer)) or not -rank <= axis < rank:
        raise ValueError(f"concat: axis must be between {-rank} and {rank - 1}, got {axis!r}")
    axis = int(axis) % rank
    if len({t.shape[:axis] + t.shape[axis + 1 :] for t in parts}) > 1:
        raise ValueError(f"concat: the shapes must agree but for axis {axis}, got {[t.shape for t in parts]}")
    return Concat(axis).apply(*parts)


def upsample2d(x: Any, scale: Any = 2) -> Tensor:
    """Nearest-neighbour enlargement: each pixel becomes a block of equal pixels.

    Parameters
    ----------
    x : Tensor (N, H, W, C)
    scale : int or pair
        Height and width of the block.

    Returns
    -------
    Tensor (N, H * scale, W * scale, C)

    Raises
    ------
    ValueError
        If `x` is no batch of images or `scale` is less than 1.
    """
    return Upsample2d(pair("upsample2d", "scale", scale, 1)).apply(images("upsample2d", "x", x))


def fit2d(x: Any, size: Any) -> Tensor:
    """Images brought to a size by adding zeros to, or cutting from, the bottom and right.

    Parameters
    ----------
    x : Tensor (N, H, W, C)
    size : int or pair
        Height and width of the result.

    Raises
    ------
    ValueError
        If `x` is no batch of images or `size` is less than 1.
    """
    return Fit(pair("fit2d", "size", size, 1)).apply(images("fit2d", "x", x))
