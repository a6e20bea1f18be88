"""Ownership of the memory of a large array: how many others refer to it. Where nobody does, a result may take its place."""

from __future__ import annotations

import math
import sys

import numpy as np

MIN_BYTES = (
    1 << 22
)  # for less it is not worth the calls; and the kernels of small arrays are recorded, with results of their own


def other_holders(arrays: tuple[np.ndarray, ...], index: int) -> float:
    """How many references there are to an array besides the one of this tuple.

    Infinite for an array that is not of the memory pool, or shares its memory with other arrays: then somebody may read the memory
    who does not refer to the array. Infinite also for one of less than `MIN_BYTES`.
    """
    if arrays[index].nbytes < MIN_BYTES:
        return math.inf
    of_array, of_memory = _reference_counts(arrays, index)
    return of_array - _ALONE[0] if of_memory == _ALONE[1] else math.inf


def _reference_counts(arrays: tuple[np.ndarray, ...], index: int) -> tuple[int, int]:
    """The reference counts of an array, and of the array at the bottom of its block in the memory pool; 0 where there is none."""
    base = arrays[index].base
    in_pool = type(base) is np.ndarray and type(base.base) is memoryview
    return sys.getrefcount(arrays[index]), sys.getrefcount(base) if in_pool else 0


# Of an array that nobody else refers to. The counts depend on the interpreter, which refers to what it is working on.
_ALONE = _reference_counts((np.frombuffer(memoryview(bytearray(1)), np.uint8)[:1].reshape(1, 1),), 0)
