"""The number types of the kernels: which dtypes they take, what C++ calls them, and which arrays they accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.kernels.cuda.launcher import serves


@dataclass(frozen=True)
class BFloat16:
    """bfloat16 as a dtype of places in an arena; NumPy itself knows it only through the package ml_dtypes."""

    name: str = "bfloat16"
    itemsize: int = 2


BFLOAT16 = BFloat16()
CPP = {"float32": "float", "float64": "double", "bfloat16": "bfloat16"}
MAX_PIXELS = 2**31 - 1  # the kernels count pixels in 32 bits


def cpp_type(array: Any) -> str:
    """The C++ type of an array's elements."""
    return CPP[array.dtype.name]


def wide_dtype(array: Any) -> Any:
    """The dtype of the parameters and sums that go with these elements: float32 for bfloat16, else the same."""
    return np.dtype(np.float32) if array.dtype.name == "bfloat16" else array.dtype


def takes(*arrays: Any, types: tuple[str, ...] = ("float32", "float64", "bfloat16")) -> bool:
    """Whether kernels can compute on these arrays, all of one supported dtype; None stands for an absent array."""
    present = [array for array in arrays if array is not None]
    return (
        all(serves(array) for array in present)
        and len({a.dtype for a in present}) == 1
        and present[0].dtype.name in types
    )


def takes_parameters(like: Any, *parameters: Any) -> bool:
    """Whether the parameters are on the device and have the wide dtype of the activations `like`."""
    return all(serves(p) and p.dtype == wide_dtype(like) for p in parameters if p is not None)


def ceil_div(count: int, size: int) -> int:
    """How many pieces of `size` cover `count`."""
    return -(-count // size)


def as_dtype(dtype: Any) -> Any:
    """A NumPy dtype, or BFLOAT16 as it is."""
    return dtype if isinstance(dtype, BFloat16) else np.dtype(dtype)
