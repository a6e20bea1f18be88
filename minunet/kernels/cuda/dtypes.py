"""The element types of the kernels: their names in NumPy and in C++, and the wider type of parameters and sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True)
class BFloat16:
    """bfloat16 as the dtype of a buffer in an arena. NumPy has no such dtype without the package ml_dtypes."""

    name: str = "bfloat16"
    itemsize: int = 2


DType: TypeAlias = "np.dtype[Any] | BFloat16"
DTypeLike: TypeAlias = "DType | type | str"
BFLOAT16 = BFloat16()
CPP_TYPES = {"float32": "float", "float64": "double", "bfloat16": "bfloat16"}
MAX_PIXELS = 2**31 - 1  # the kernels count pixels in 32 bits


def cpp_type(array: Any) -> str:
    """The C++ type of the elements of an array."""
    return CPP_TYPES[array.dtype.name]


def wide_dtype(array: Any) -> np.dtype[Any]:
    """The dtype of the parameters and sums that belong to these activations: float32 for bfloat16, else the same dtype."""
    return np.dtype(np.float32) if array.dtype.name == "bfloat16" else array.dtype


def as_dtype(dtype: DTypeLike) -> DType:
    """A NumPy dtype; BFLOAT16 is returned unchanged."""
    return dtype if isinstance(dtype, BFloat16) else np.dtype(dtype)


def ceil_div(count: int, size: int) -> int:
    """`count / size`, rounded up: the number of blocks of `size` that cover `count` elements."""
    return -(-count // size)
