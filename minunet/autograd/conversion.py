"""Conversion of numbers, lists and arrays to the data of a tensor. Only floating-point arrays have a precision to keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.kernels.backend import Array, is_array
from minunet.kernels.plain_array import plain

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

DEFAULT_DTYPE = np.float32


def is_float(array: Array) -> bool:
    """Whether the array's dtype is floating-point; this includes bfloat16, which NumPy knows only through ml_dtypes."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def is_narrow(array: Array) -> bool:
    """Whether the array holds 16-bit floating-point numbers, in which sums of many are wrong."""
    return array.dtype.itemsize == 2 and is_float(array)


def as_array(data: Any, dtype: DTypeLike = DEFAULT_DTYPE) -> Array:
    """`data` as an array: floating-point arrays and NumPy scalars keep their dtype, anything else gets `dtype`.

    A list of arrays keeps their precision; Python's own numbers have none to keep. A floating-point array in the byte order
    of this machine is not copied; one in the other byte order, as files may give it, is converted.

    Raises
    ------
    TypeError
        If `data` does not hold real numbers, or is a masked array.

    Examples
    --------
    >>> as_array([1, 2]).dtype, as_array(np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    data = plain(data)
    array = data if is_array(data) else np.asarray(data)
    if is_float(array) and (array is data or hasattr(_first_leaf(data), "dtype")):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if not is_float(array) and array.dtype.kind not in "biu":
        raise TypeError(f"a Tensor holds real numbers, got {type(data).__name__} of dtype {array.dtype}{_advice(data)}")
    return array.astype(dtype)


def _advice(data: Any) -> str:
    """What to do with data that a Tensor does not hold, where it is plain."""
    if isinstance(data, (str, os.PathLike)):
        return "; read a file first, such as np.asarray(PIL.Image.open(path)), or use minunet.load_model(...).predict(path)"
    if isinstance(data, Iterator):
        return "; make a list of it first"
    return ""


def _first_leaf(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data
