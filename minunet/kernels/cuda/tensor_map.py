"""A tensor map: the description of a four-dimensional array from which Hopper's bulk copies bring boxes to shared memory.

Only the CUDA driver knows its encoding. The host shim of the tests uses its own.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from typing import Any

ALIGNMENT = 64  # bytes; the driver requires it of the memory that it writes the map to
DATA_TYPES = {2: 9, 4: 7}  # from bytes to CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 and _FLOAT32
INTERLEAVE_NONE = 0
SWIZZLE_128B = 3  # reorders the 16-byte chunks in each row of 128 bytes, as wgmma expects them
L2_PROMOTION_256B = 3
OUTSIDE_IS_ZERO = 0  # CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE


class TensorMap(ctypes.Structure):
    """The 128 bytes of a CUtensorMap, a kernel argument passed by value; all zeros until encoded."""

    _fields_ = (("words", ctypes.c_uint64 * 16),)

    def __init__(self, words: Sequence[int] = ()):
        super().__init__((ctypes.c_uint64 * 16)(*words))


def encode(pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]) -> TensorMap:
    """A tensor map for `copy_box`, encoded by cuTensorMapEncodeTiled of the CUDA driver.

    Parameters
    ----------
    pointer, itemsize, shape, strides, box
        As for `Launcher.tensor_map`.

    Raises
    ------
    ValueError
        If the elements are not of 2 or 4 bytes, there are not four axes, or the innermost axis has gaps.
    RuntimeError
        If there is no driver, or if it refuses the sizes; the message has its CUresult and the sizes.
    """
    if itemsize not in DATA_TYPES:
        raise ValueError(f"a tensor map is for elements of 2 or 4 bytes, got {itemsize}")
    if not len(shape) == len(strides) == len(box) == 4:
        raise ValueError(f"a tensor map has four axes, got shape {shape}, strides {strides}, box {box}")
    if strides[0] != itemsize:
        raise ValueError(f"the innermost stride of a tensor map must be the {itemsize} bytes of an element: {strides}")
    memory = ctypes.create_string_buffer(ctypes.sizeof(TensorMap) + ALIGNMENT)
    tensor_map = TensorMap.from_buffer(memory, -ctypes.addressof(memory) % ALIGNMENT)  # holds a reference to `memory`
    result = _driver().cuTensorMapEncodeTiled(
        ctypes.byref(tensor_map),
        ctypes.c_int(DATA_TYPES[itemsize]),
        ctypes.c_uint32(4),
        ctypes.c_void_p(pointer),
        (ctypes.c_uint64 * 4)(*shape),
        (ctypes.c_uint64 * 3)(*strides[1:]),
        (ctypes.c_uint32 * 4)(*box),
        (ctypes.c_uint32 * 4)(1, 1, 1, 1),  # element strides: no element is skipped
        ctypes.c_int(INTERLEAVE_NONE),
        ctypes.c_int(SWIZZLE_128B),
        ctypes.c_int(L2_PROMOTION_256B),
        ctypes.c_int(OUTSIDE_IS_ZERO),
    )
    if result:
        raise RuntimeError(
            f"cuTensorMapEncodeTiled refuses with CUresult {result}: address {pointer:#x}, {itemsize} bytes an element, "
            f"shape {tuple(shape)}, strides {tuple(strides)} bytes, box {tuple(box)} (innermost axis first)"
        )
    return tensor_map


def map_of(launcher: Any, array: Any, box: tuple[int, int, int, int]) -> TensorMap:
    """The tensor map of a C-contiguous array with four axes; the box has the innermost axis first."""
    itemsize, shape = array.dtype.itemsize, tuple(reversed(array.shape))
    strides = tuple(itemsize * math.prod(shape[:axis]) for axis in range(len(shape)))
    return launcher.tensor_map(launcher.pointer(array), itemsize, shape, strides, box)


@functools.cache
def _driver() -> Any:
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise RuntimeError(f"the CUDA driver does not load: {error}") from error
