"""Arrays of a state, as `state_dict` returns it, checked before any of them is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minunet.autograd import Tensor
from minunet.autograd.conversion import is_float
from minunet.kernels.backend import Array, array_module, device_of, is_array, to_device
from minunet.kernels.plain_array import is_masked


def fitting_arrays(
    state: Mapping[str, Any], own: Mapping[str, Array], what: str, problems: list[str]
) -> dict[str, Array]:
    """Each entry of `own` from `state`, as a new array of its shape, dtype and device.

    Parameters
    ----------
    state : mapping of str to array, Tensor or list
    own : mapping of str to array
        The arrays to be loaded into; they are not changed here.
    what : str
        The kind of the entries, for messages, such as "a parameter here".
    problems : list of str
        A sentence for each entry that does not fit is appended here.
    """
    problems += [f"{name} is missing" for name in own if name not in state]
    problems += [f"{name} is not {what}" for name in state if name not in own]
    found = {}
    for name, array in own.items():
        if name in state:
            value, problem = _converted(state[name], array)
            if problem:
                problems.append(f"{name} {problem}")
            found[name] = value
    return found


def _converted(value: Any, like: Array) -> tuple[Array, str]:
    """`value` with the dtype and on the device of `like`, and its problem."""
    value = value.data if isinstance(value, Tensor) else value
    if is_masked(value):
        return None, "is a masked array, whose mask would be ignored; fill its gaps first, with .filled(value)"
    try:
        array = value if is_array(value) else np.asarray(value)
    except ValueError:  # lists of unequal lengths
        return None, "is not an array"
    if not getattr(like.flags, "writeable", True):
        return None, "is in memory that must not be written to; give the parameter a copy"
    if array.shape != like.shape:
        return None, f"has shape {array.shape}, expected {like.shape}"
    if not is_float(array) and array.dtype.kind not in "biu":
        return None, f"does not hold real numbers but {array.dtype}"
    xp = array_module(array)
    with np.errstate(over="ignore", invalid="ignore"):
        converted = xp.asarray(array).astype(like.dtype)
    if like.dtype.kind in "iu":
        if bool((converted != array).any()):
            return None, "does not hold whole numbers"
    elif not bool((xp.isfinite(converted) | ~xp.isfinite(array)).all()):
        return None, f"holds numbers too large for {like.dtype}"
    return to_device(converted, device_of(like)), ""
