"""Concatenation: arrays joined end to end along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.autograd import Function, Tensor, TensorLike
from minunet.functional.validation import tensors as as_tensors
from minunet.kernels.backend import Array, array_module


class Concat(Function):
    """Arrays joined end to end along one axis.

    y = [x_0, x_1, ...]
    dx_k = the part of g that x_k filled (a view)
    """

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, *x: Array) -> Array:
        self.save([part.shape[self.axis] for part in x])
        return array_module(*x).concatenate(x, axis=self.axis)

    def backward(self, grad_output: Array) -> tuple[Array | None, ...]:
        grads, first = [], 0
        for length, needed in zip(self.saved[0], self.needs_input_grad, strict=True):
            part = [slice(None)] * grad_output.ndim
            part[self.axis] = slice(first, first + length)
            grads.append(grad_output[tuple(part)] if needed else None)
            first += length
        return tuple(grads)


def concat(tensors: Sequence[TensorLike], axis: int = -1) -> Tensor:
    """Join tensors end to end along one axis; single numbers (0-d) join into a vector.

    Parameters
    ----------
    tensors : sequence of Tensor or array
        All of the same rank, and of the same shape except along `axis`.
    axis : int
        Negative numbers count from the last.

    Returns
    -------
    Tensor
        Its length along `axis` is the sum of theirs.

    Raises
    ------
    ValueError
        If the list is empty, the axis does not exist, or the other axes, dtypes or devices differ.
    TypeError
        If `tensors` is one tensor, or holds None.

    Examples
    --------
    >>> concat([[[1.0, 2.0]], [[3.0]]])
    Tensor([[1., 2., 3.]], dtype=float32)
    """
    if isinstance(tensors, Tensor):
        raise TypeError("concat: tensors is one Tensor; give a list of them, such as [a, b]")
    named = {f"tensors[{k}]": value for k, value in enumerate(tensors)}
    if not named:
        raise ValueError("concat: the list of tensors is empty")
    parts = [t.reshape(1) if t.ndim == 0 else t for t in as_tensors("concat", named).values()]
    rank = parts[0].ndim
    if any(t.ndim != rank for t in parts):
        raise ValueError(
            f"concat: the tensors must have the same number of axes, got shapes {[t.shape for t in parts]}"
        )
    if not isinstance(axis, (int, np.integer)) or not -rank <= axis < rank:
        raise ValueError(f"concat: axis must be between {-rank} and {rank - 1}, got {axis!r}")
    axis = int(axis) % rank
    if len({t.shape[:axis] + t.shape[axis + 1 :] for t in parts}) > 1:
        raise ValueError(f"concat: the shapes must agree except along axis {axis}, got {[t.shape for t in parts]}")
    return Concat(axis).apply(*parts)
