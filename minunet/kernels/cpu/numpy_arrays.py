"""What the CPU paths accept: NumPy arrays of one floating type."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def on_cpu(*arrays: Any) -> bool:
    """Whether all the arrays (None counts as any) are NumPy's and share one type, float32 or float64."""
    dtype = None
    for array in arrays:
        if array is None:
            continue
        if not isinstance(array, np.ndarray) or array.dtype not in FLOATS or dtype not in (None, array.dtype):
            return False
        dtype = array.dtype
    return dtype is not None
