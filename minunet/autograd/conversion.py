"""What may become a tensor's data: real numbers in any wrapping, of which only floating-point arrays have a precision to keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.kernels.backend import is_array

DEFAULT_DTYPE = np.float32


def is_float(array: Any) -> bool:
    """Whether the array's dtype is floating-point; bfloat16, which NumPy knows only through ml_dtypes, is one."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def as_array(data: Any, dtype: Any = DEFAULT_DTYPE) -> Any:
    """`data` as an array: floating-point arrays and NumPy scalars keep their dtype, anything else gets `dtype`.

    A list of arrays keeps their precision; Python's own numbers have none to keep. Arrays that fit are not copied; those whose
    bytes lie in the other machine's order, as files may give them, do not fit.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    """
    array = data if is_array(data) else np.asarray(data)
    if is_float(array) and (array is data or isinstance(_first_leaf(data), (np.ndarray, np.generic))):
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if not is_float(array) and array.dtype.kind not in "biu":
        raise TypeError(f"a Tensor holds real numbers, got {type(data).__name__} of dtype {array.dtype}")
    return array.astype(dtype)


def _first_leaf(data: Any) -> Any:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return data
