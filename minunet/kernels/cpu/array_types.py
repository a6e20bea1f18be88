"""The arguments that the CPU kernels accept: NumPy arrays of one floating type, one or several as the input of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

FLOAT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))

Array: TypeAlias = np.ndarray
Arrays: TypeAlias = Sequence[Array]

# The gradients of a convolution, (one per source, weight, bias), and of an up-convolution, (x, weight, bias).
ConvGrads: TypeAlias = tuple[tuple[np.ndarray | None, ...], np.ndarray | None, np.ndarray | None]
UpGrads: TypeAlias = tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]


def are_numpy_floats(*arrays: object) -> bool:
    """Whether all arrays are NumPy's and share one type, float32 or float64. None, for an absent array, is skipped."""
    dtype = None
    for array in arrays:
        if array is None:
            continue
        if not isinstance(array, np.ndarray) or array.dtype not in FLOAT_TYPES or dtype not in (None, array.dtype):
            return False
        dtype = array.dtype
    return dtype is not None


def channel_slices(sources: Sequence[np.ndarray]) -> list[slice]:
    """The channels of each source (N, H, W, C_i) among those of all, joined along channels."""
    slices: list[slice] = []
    first = 0
    for source in sources:
        slices.append(slice(first, first + source.shape[3]))
        first += source.shape[3]
    return slices
