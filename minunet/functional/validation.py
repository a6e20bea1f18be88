"""Checks of the operations' arguments: sizes given as one number or a pair, tensors of the right rank and dtype.

The errors name the operation, the argument and its value.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from minunet.autograd import Tensor, TensorLike, as_tensor
from minunet.autograd.conversion import as_array
from minunet.functional.layout_advice import layout_advice
from minunet.kernels.backend import Array, array_module, device_of, is_array
from minunet.kernels.primitives import IntPair

IntOrPair: TypeAlias = int | IntPair  # one number for both directions, or (vertical, horizontal)


def is_whole_number(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy; True and False are not.

    Examples
    --------
    >>> is_whole_number(3), is_whole_number(3.0), is_whole_number(True)
    (True, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def pair(operation: str, name: str, value: Any, minimum: int) -> IntPair:
    """`value` as (vertical, horizontal); one integer is used for both.

    Raises
    ------
    ValueError
        If it is neither an integer nor a pair of integers, or is less than `minimum`.

    Examples
    --------
    >>> pair("conv2d", "stride", 2, minimum=1)
    (2, 2)
    """
    values = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        vertical, horizontal = (operator.index(v) for v in values)
    except (TypeError, ValueError):  # not integers, or not two
        raise ValueError(f"{operation}: {name} must be an integer or a pair of integers, got {value!r}") from None
    if min(vertical, horizontal) < minimum:
        raise ValueError(f"{operation}: {name} must be at least {minimum}, got {value!r}")
    return vertical, horizontal


def images(operation: str, name: str, value: TensorLike, channels: int | None = None) -> Tensor:
    """A tensor of shape (N, H, W, C), in which only N may be 0; the error advises how to get the `channels` that are taken."""
    tensor = as_tensor(value)
    if tensor.ndim != 4:
        raise ValueError(
            f"{operation}: {name} must have shape (N, H, W, C), got {tensor.shape}{layout_advice(tensor.shape, channels)}"
        )
    if min(tensor.shape[1:]) < 1:
        raise ValueError(f"{operation}: {name} must hold at least one pixel and one channel, got {tensor.shape}")
    return tensor


def tensors(operation: str, values: Mapping[str, TensorLike | None]) -> dict[str, Tensor]:
    """The named values as tensors of one dtype and device, without those that are None.

    Plain arrays and lists get the dtype and device of the first Tensor or, if there is none, of the first array.

    Raises
    ------
    ValueError
        If two Tensors differ in dtype or device; the message lists each.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name in values:
        if name not in given and name != "bias":  # only a bias may be left out
            raise TypeError(f"{operation}: {name} is None; give a Tensor or an array")
    like = next((v for v in given.values() if isinstance(v, Tensor)), None)
    if like is None:
        like = next((as_tensor(v) for v in given.values() if is_array(v)), None)
    result = {name: as_tensor(value) if like is None else conform(value, like) for name, value in given.items()}
    if len({tensor.dtype for tensor in result.values()}) > 1:
        dtypes = ", ".join(f"{name} is {tensor.dtype}" for name, tensor in result.items())
        raise ValueError(
            f"{operation}: the dtypes must agree, but {dtypes}; convert the input, such as x.astype('float32'), "
            "or the layer, such as model.astype('float64')"
        )
    if len({device_of(tensor.data) for tensor in result.values()}) > 1:
        devices = ", ".join(f"{name} is on {device_of(tensor.data)}" for name, tensor in result.items())
        raise ValueError(f"{operation}: the devices must agree, but {devices}")
    return result


def conform(value: TensorLike, like: Tensor) -> Tensor:
    """`value` unchanged if it is a Tensor, else a Tensor of the dtype and on the device of `like`."""
    if isinstance(value, Tensor):
        return value
    return Tensor(array_module(like.data).asarray(as_array(value, like.dtype), dtype=like.dtype))


def constant(operation: str, name: str, value: TensorLike, like: Tensor, *, broadcast: bool = False) -> Array:
    """`value` as an array with the dtype, device and shape of `like`; the operation gives it no gradient.

    Raises
    ------
    ValueError
        If the shape differs (with `broadcast`, if it does not broadcast to the shape), or `value` requires a gradient.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(f"{operation}: {name} cannot require a gradient; pass {name}.detach()")
    xp = array_module(like.data)
    array = xp.asarray(value.data if isinstance(value, Tensor) else as_array(value, like.dtype), dtype=like.dtype)
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
