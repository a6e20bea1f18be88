"""Scratch memory: the temporary buffers of a job. Each thread keeps one arena of memory and allocates buffers from it in turn.

A job thus finds its buffers where the last job had them, still in the cache, and requests nothing from the system.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register (AVX-512)

Allocate = Callable[[tuple[int, ...], npt.DTypeLike], np.ndarray]  # of (shape, dtype)


class _Arena(threading.local):
    """The scratch memory of one thread, with the bytes in use now and the most that have been in use so far."""

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)
        self.used = 0
        self.peak = 0

    def allocate(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        """An uninitialised C-contiguous array, valid until the end of the `scratch` block in which it was allocated."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        start = self.used
        # A gap of one line after each buffer: buffers of 2^k bytes would otherwise share the same few sets of the cache.
        self.used += -(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        self.peak = max(self.peak, self.used)
        if self.used > self.memory.size:
            return np.empty(shape, dtype)  # the arena can grow only while no buffer is in use
        return self.memory[start : start + size].view(dtype).reshape(shape)


_arena = _Arena()


@contextmanager
def scratch() -> Iterator[Allocate]:
    """Within the block, `allocate(shape, dtype)` returns temporary arrays; at its end all of them are freed at once.

    Examples
    --------
    >>> with scratch() as allocate:
    ...     allocate((2, 3), np.float32).shape
    (2, 3)
    """
    arena = _arena
    used_before = arena.used
    if used_before == 0 and arena.peak > arena.memory.size:
        memory = np.empty(arena.peak + ALIGNMENT, np.uint8)
        offset = -memory.ctypes.data % ALIGNMENT
        arena.memory = memory[offset : offset + arena.peak]
    try:
        yield arena.allocate
    finally:
        arena.used = used_before
