"""Scratch memory: the temporary buffers of a job. Each thread keeps one arena of memory and allocates buffers from it in turn.

A job thus finds its buffers where the last job had them, still in the cache, and requests nothing from the system.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.address_space import ALIGNMENT, address_space

if TYPE_CHECKING:
    import numpy.typing as npt

MOST = 1 << 30  # bytes of the arena of a thread, more than any kernel takes

Allocate: TypeAlias = "Callable[[tuple[int, ...], npt.DTypeLike], np.ndarray]"  # of (shape, dtype)


class _Arena(threading.local):
    """The scratch memory of one thread.

    Attributes
    ----------
    memory : array of bytes
    used, peak : int
        The bytes in use now, and the most that have been in use so far.
    open : list of (object, int)
        The open blocks from the outermost to the innermost, each with the bytes that were in use before it.
    """

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)
        self.used = 0
        self.peak = 0
        self.open: list[tuple[object, int]] = []

    def allocate(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        """An uninitialised C-contiguous array, valid until the end of the `scratch` block in which it was allocated."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        start = self.used
        # A gap of one line after each buffer: buffers of 2^k bytes would otherwise share the same few sets of the cache.
        self.used += -(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        self.peak = max(self.peak, self.used)
        if self.used > self.memory.size:
            return memory_pool.empty(shape, dtype)  # another arena can be made only while no buffer is in use
        return self.memory[start : start + size].view(dtype).reshape(shape)

    def close(self, depth: int) -> None:
        """Close all blocks but the `depth` outermost ones."""
        if depth < len(self.open):
            self.used = self.open[depth][1]
            del self.open[depth:]


_arena = _Arena()


class scratch:
    """Within the block, `allocate(shape, dtype)` returns temporary arrays; at its end all of them are freed at once.

    Examples
    --------
    >>> with scratch() as allocate:
    ...     allocate((2, 3), np.float32).shape
    (2, 3)
    """

    def __enter__(self) -> Allocate:
        arena = _arena
        if not arena.open and arena.peak >= arena.memory.size:
            # Where the system allows it an arena has far more addresses than it ever uses: then it is never too small.
            arena.memory = np.frombuffer(address_space(max(arena.peak, ALIGNMENT), MOST).memory, np.uint8)
        self._key = object()
        arena.open.append((self._key, arena.used))
        return arena.allocate

    def __exit__(self, *exception: object) -> None:
        # A generator that an exception has abandoned ends whenever it is collected, on any thread: then this block was
        # closed by `close_scratch`, and what is open by now belongs to others.
        for depth, (key, _) in enumerate(_arena.open):
            if key is self._key:
                _arena.close(depth)
                return


def open_scratch() -> int:
    """How many blocks are open on the calling thread."""
    return len(_arena.open)


def close_scratch(depth: int) -> None:
    """Close the blocks of the calling thread that an exception has left open: all but the `depth` outermost ones."""
    _arena.close(depth)
