"""The arguments of a loss: predictions, a target in [0, 1] and perhaps a weight, checked and brought to one dtype and device."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Tensor, TensorLike, as_tensor
from minunet.functional.validation import constant
from minunet.kernels.backend import Array, array_module

ROUNDING = 1e-5  # how far a target may be outside [0, 1], as an interpolated mask can be


def predictions(operation: str, name: str, value: Any) -> Tensor:
    """A tensor of at least one element, since the mean of no elements is not defined."""
    tensor = as_tensor(value)
    if tensor.size == 0:
        raise ValueError(f"{operation}: {name} has no elements, its shape is {tensor.shape}")
    return tensor


def target_and_weight(
    operation: str, p: Tensor, target: TensorLike, weight: TensorLike | None
) -> tuple[Tensor, Tensor | None]:
    """The target and the weight, if there is one, like `p`."""
    if weight is None:
        return target_like(operation, target, p), None
    return target_like(operation, target, p), _tensor_of(
        constant(operation, "weight", weight, p, broadcast=True), weight
    )


def _tensor_of(array: Array, given: TensorLike) -> Tensor:
    """`given` itself if it is a tensor of the same array, whose changes are noticed; else a new one."""
    return given if isinstance(given, Tensor) and given.data is array else Tensor(array)


def target_like(operation: str, target: TensorLike, like: Tensor) -> Tensor:
    """The target, like the predictions and in [0, 1].

    On a GPU a check would wait for all work queued before it, in every step, so only arrays from the host are checked.
    """
    given = target.data if isinstance(target, Tensor) else target
    array = constant(operation, "target", target, like)
    if array_module(given) is np:
        values = array if array_module(array) is np else np.asarray(given)
        low, high = float(values.min()), float(values.max())
        if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # NaN fails too
            advice = "; divide a mask of 0 and 255 by 255" if high >= 2 else ""
            raise ValueError(f"{operation}: target must lie in [0, 1], got values from {low:g} to {high:g}{advice}")
    return _tensor_of(array, target)
