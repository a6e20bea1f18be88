"""Copies between strided arrays whose last axis is short and contiguous, such as the channels of single pixels."""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.recorder import do

# NumPy copies a strided array element by element unless its last axis is long. Seen as one item of many bytes, the last
# axis is copied by one memcpy, or by one instruction where it has 2, 4, 8 or 16 bytes.
MAX_ITEM_BYTES = 1024


def as_items(target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Views of both arrays for `np.copyto`, with the last axis as one item of many bytes where that is faster.

    The shapes and types of the two are equal. Measured gain: 7 to 15 times for items of up to 16 bytes (powers of 2),
    2 times up to 128 bytes, 1.25 times for 256 bytes.
    """
    size = target.shape[-1] * target.itemsize
    if target.itemsize < size <= MAX_ITEM_BYTES and target.strides[-1] == source.strides[-1] == target.itemsize:
        item = f"V{size}"  # NumPy's "void" type: bytes without a meaning
        return target.view(item)[..., 0], source.view(item)[..., 0]
    return target, source


def copy_strided(target: np.ndarray, source: np.ndarray) -> None:
    """target[...] = source, for equal shapes and types."""
    do(np.copyto, *as_items(target, source))
