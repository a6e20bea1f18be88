"""What the operations accept: sizes given as one number or a pair, tensors of the right rank and dtype.

The errors name the operation, the argument and its value.
"""

from __future__ import annotations

import operator
from typing import Any

from minunet.autograd import Tensor, as_tensor
from minunet.autograd.conversion import as_array
from minunet.kernels.backend import array_module, device_of, is_array
from minunet.kernels.primitives import IntPair


def pair(operation: str, name: str, value: Any, minimum: int) -> IntPair:
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
    """A tensor of shape (N, H, W, C), of which only N may be 0."""
    tensor = as_tensor(value)
    if tensor.ndim != 4:
        raise ValueError(f"{operation}: {name} must have shape (N, H, W, C), got {tensor.shape}")
    if min(tensor.shape[1:]) < 1:
        raise ValueError(f"{operation}: {name} must hold at least one pixel and one channel, got {tensor.shape}")
    return tensor


def tensors(operation: str, values: dict[str, Any]) -> dict[str, Tensor | None]:
    """The named values as tensors of one dtype and device; None stays None.

    What is given as a plain array or list takes the dtype and device of the Tensors among them, or, where there is none,
    of the first array.

    Raises
    ------
    ValueError
        If two Tensors differ in dtype or device; the message lists each.
    """
    like = next((v for v in values.values() if isinstance(v, Tensor)), None)
    if like is None:
        like = next((as_tensor(v) for v in values.values() if is_array(v)), None)
    result = {}
    for name, value in values.items():
        result[name] = None if value is None else as_tensor(value) if like is None else conform(value, like)
    present = {name: tensor for name, tensor in result.items() if tensor is not None}
    if len({tensor.dtype for tensor in present.values()}) > 1:
        listed = ", ".join(f"{name} is {tensor.dtype}" for name, tensor in present.items())
        raise ValueError(f"{operation}: the dtypes must agree, but {listed}")
    if len({device_of(tensor.data) for tensor in present.values()}) > 1:
        listed = ", ".join(f"{name} is on {device_of(tensor.data)}" for name, tensor in present.items())
        raise ValueError(f"{operation}: the devices must agree, but {listed}")
    return result


def conform(value: Any, like: Tensor) -> Tensor:
    """A Tensor as it is; anything else as a Tensor of the dtype and on the device of `like`."""
    if isinstance(value, Tensor):
        return value
    return Tensor(array_module(like.data).asarray(as_array(value, like.dtype), dtype=like.dtype))


def constant(operation: str, name: str, value: Any, like: Tensor, *, broadcast: bool = False) -> Any:
    """An array that the operation does not differentiate by: the dtype, device and shape of `like`.

    Raises
    ------
    ValueError
        If the shape differs (with `broadcast`, if it cannot be repeated to the shape) or a gradient is required.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(f"{operation}: {name} cannot require a gradient; pass {name}.detach()")
    xp = array_module(like.data)
    array = xp.asarray(value.data if isinstance(value, Tensor) else value, dtype=like.dtype)
    if broadcast and array.shape != like.shape:
        try:
            array = xp.ascontiguousarray(xp.broadcast_to(array, like.shape)).reshape(like.shape)
        except ValueError:
            raise ValueError(
                f"{operation}: {name} must have shape {like.shape} or one that broadcasts to it, got {array.shape}"
            ) from None
    if array.shape != like.shape:
        raise ValueError(f"{operation}: {name} must have shape {like.shape}, got {array.shape}")
    return array
