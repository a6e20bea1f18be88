"""The arguments that the CPU kernels accept: NumPy arrays of one floating type, one or several as the input of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from minunet.kernels.cpu.recorder import is_recording, result_array
from minunet.kernels.primitives import OVERWRITE

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


def are_floats_and_mask(output: object, *arrays: object) -> bool:
    """Whether `are_numpy_floats` holds for all, where `output` may instead be a NumPy array that says where it is positive."""
    is_mask = isinstance(output, np.ndarray) and output.dtype == np.bool_
    return are_numpy_floats(*arrays, None if is_mask else output)


def grad_x_array(x: Array, needed: int) -> Array | None:
    """An array for the gradient of x: x itself for `OVERWRITE`, None where no gradient is needed."""
    if needed == OVERWRITE and not is_recording():  # a recording returns new arrays
        return x
    return result_array(x.shape, x.dtype) if needed else None


def channel_slices(sources: Sequence[np.ndarray]) -> list[slice]:
    """The channels of each source (N, H, W, C_i) among those of all, joined along channels."""
    slices: list[slice] = []
    first = 0
    for source in sources:
        slices.append(slice(first, first + source.shape[3]))
        first += source.shape[3]
    return slices
