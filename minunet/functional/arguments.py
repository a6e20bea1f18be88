"""What the operations accept: sizes given as one number or a pair, tensors of the right rank and dtype.

The errors name the operation, the argument and its value.
"""

from __future__ import annotations

import operator
from typing import Any

from minunet.autograd import Tensor, as_tensor
from minunet.kernels.backend import array_module

Pair = tuple[int, int]


def pair(operation: str, name: str, value: Any, minimum: int) -> Pair:
    """`value` as (vertical, horizontal): an integer stands for both.

    Raises
    ------
    ValueError
        If it is neither an integer nor a pair of integers, or is less than `minimum`.
    """
    values = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        result = tuple(operator.index(v) for v in values)
    except TypeError:
        result = ()
    if len(result) != 2:
        raise ValueError(f"{operation}: {name} must be an integer or a pair of integers, got {value!r}")
    if min(result) < minimum:
        raise ValueError(f"{operation}: {name} must be at least {minimum}, got {value!r}")
    return result


def images(operation: str, name: str, value: Any) -> Tensor:
    """A tensor of shape (N, H, W, C)."""
    tensor = as_tensor(value)
    if tensor.ndim != 4:
        raise ValueError(f"{operation}: {name} must have shape (N, H, W, C), got {tensor.shape}")
    if min(tensor.shape[1:]) < 1:
        raise ValueError(f"{operation}: {name} must hold at least one pixel and one channel, got {tensor.shape}")
    return tensor


def same_dtype(operation: str, tensors: dict[str, Tensor | None]) -> None:
    """All the tensors have one dtype; the message lists each."""
    present = {name: tensor.dtype for name, tensor in tensors.items() if tensor is not None}
    if len(set(present.values())) > 1:
        listed = ", ".join(f"{name} is {dtype}" for name, dtype in present.items())
        raise ValueError(f"{operation}: the dtypes must agree, but {listed}")


def constant(operation: str, name: str, value: Any, like: Tensor) -> Any:
    """An array that the operation does not differentiate by: the dtype and device of `like`, and its shape.

    Raises
    ------
    ValueError
        If the shape differs or a gradient is required.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(f"{operation}: {name} cannot require a gradient; pass {name}.detach()")
    array = array_module(like.data).asarray(value.data if isinstance(value, Tensor) else value, dtype=like.dtype)
    if array.shape != like.shape:
        raise ValueError(f"{operation}: {name} must have shape {like.shape}, got {array.shape}")
    return array


def contiguous(array: Any) -> Any:
    """The array itself if its elements lie in C order, else a copy that does, which is what the kernels read."""
    return array_module(array).ascontiguousarray(array)
