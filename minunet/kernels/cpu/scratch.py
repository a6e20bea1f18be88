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


class ScratchMemory:
    """Memory from which buffers are allocated in turn, and freed in the opposite order.

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
        start, dtype = self.used, np.dtype(dtype)
        # A gap of one line after each buffer: buffers of 2^k bytes would otherwise share the same few sets of the cache.
        self.used = end = start + -(-math.prod(shape) * dtype.itemsize // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        if end > self.peak:
            self.peak = end
        if end > self.memory.size:
            return memory_pool.empty(shape, dtype)  # more memory can be taken only while no buffer is in use
        return np.ndarray(shape, dtype, self.memory, start)

    def grow(self) -> None:
        """Take memory for as much as was ever used at the same time; called while no buffer is in use."""
        if max(self.peak, 1) > self.memory.size:
            # Where the system allows it there are far more addresses than are ever used: then they are never too few.
            self.memory = np.frombuffer(address_space(max(self.peak, ALIGNMENT), MOST).memory, np.uint8)

    def close(self, depth: int) -> None:
        """Close all blocks but the `depth` outermost ones."""
        if depth < len(self.open):
            self.used = self.open[depth][1]
            del self.open[depth:]


class _Arena(threading.local, ScratchMemory):
    """The scratch memory of the calling thread."""


_arena = _Arena()


def scratch_memory() -> ScratchMemory:
    """The scratch memory of the calling thread."""
    return _arena


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
        if not arena.open:
            arena.grow()
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


class SharedBuffers:
    """Sets of temporary arrays of which one is in use at a time: the arrays of a set lie where those of the others do.

    Arrays that come at the same place in their sets share memory, which is as large as the first of them where it fits the others.

    Examples
    --------
    >>> with scratch() as allocate:
    ...     buffers = SharedBuffers(allocate)
    ...     one, other = (buffers.new_set()((size,), np.float32) for size in (20, 10))
    ...     np.shares_memory(one, other)
    True
    """

    def __init__(self, allocate: Allocate):
        self._allocate = allocate
        self._memory: list[np.ndarray] = []

    def new_set(self) -> Allocate:
        """An `allocate` for the arrays of another set."""
        number = 0

        def allocate(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
            nonlocal number
            size = math.prod(shape) * np.dtype(dtype).itemsize
            if number == len(self._memory):
                self._memory.append(self._allocate((size,), np.uint8))
            elif self._memory[number].size < size:
                self._memory[number] = self._allocate((size,), np.uint8)
            number += 1
            return self._memory[number - 1][:size].view(dtype).reshape(shape)

        return allocate


def within(memory: np.ndarray, allocate: Allocate) -> Allocate:
    """An `allocate` whose first array lies in some memory that nobody uses, where it fits."""
    free = [memory.reshape(-1).view(np.uint8)]

    def allocate_first_within(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if free and size <= free[0].size:
            return free.pop()[:size].view(dtype).reshape(shape)
        return allocate(shape, dtype)

    return allocate_first_within


def open_scratch() -> int:
    """How many blocks are open on the calling thread."""
    return len(_arena.open)


def close_scratch(depth: int) -> None:
    """Close the blocks of the calling thread that an exception has left open: all but the `depth` outermost ones."""
    _arena.close(depth)
