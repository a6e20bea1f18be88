"""The memory pool: memory for large arrays, which is used again as soon as nobody holds an array in it.

A training step makes and drops the same arrays over and over. Memory that comes from the system each time is cleared by the
operating system at its first use, page by page, which costs about as much as writing it once more.
"""

from __future__ import annotations

import math
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minunet.forks import renew_in_child

if TYPE_CHECKING:
    import numpy.typing as npt

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register (AVX-512)
MIN_BYTES = 1 << 18  # a smaller array comes from NumPy, which is as fast for it
MAX_SPLIT = 16  # a free block this many times as large as a request is not split for it: small arrays often live long
MAX_IDLE_REQUESTS = 20_000  # a free segment that was not used for so many requests goes back to the system


@dataclass(eq=False, slots=True)
class _MemoryBlock:
    """Some bytes of a segment; `base` is the array of which all arrays in them are views, None while they are free."""

    start: int
    size: int
    base: np.ndarray | None = None


class _Segment:
    """Memory that was requested from the system in one go, and the neighbouring blocks into which it is split.

    A signal or a fork can come between any two lines. The list of blocks is therefore replaced as a whole, by one
    assignment: at no moment two blocks share memory.
    """

    def __init__(self, size: int, request: int):
        memory = np.empty(size + ALIGNMENT, np.uint8)
        offset = -memory.ctypes.data % ALIGNMENT
        # NumPy makes a view of a view refer to the array at the bottom. Through a memoryview every block is a bottom of
        # its own, so that its reference count tells whether this block is in use.
        self.memory = memory[offset : offset + size].data
        self.blocks = [_MemoryBlock(0, size)]
        self.last_request = request

    @property
    def is_free(self) -> bool:
        """Whether no block is in use."""
        # A list, not a generator: Python ignores an exception, also Ctrl-C, that is raised while it closes a generator.
        used = [block for block in self.blocks if block.base is not None]
        return not used

    def allocate(self, block: _MemoryBlock, size: int) -> np.ndarray:
        """The first `size` bytes of a free block; the rest becomes a free block of its own."""
        base = np.frombuffer(self.memory[block.start : block.start + size], np.uint8)
        parts = [_MemoryBlock(block.start, size, base)]
        if block.size > size:
            parts.append(_MemoryBlock(block.start + size, block.size - size))
        index = self.blocks.index(block)
        self.blocks = [*self.blocks[:index], *parts, *self.blocks[index + 1 :]]
        return base

    def reclaim(self, free_count: int) -> None:
        """Free the blocks that nobody holds, and merge free neighbours."""
        for block in self.blocks:
            if block.base is not None and _reference_count(block) <= free_count:
                block.base = None
        merged: list[_MemoryBlock] = []
        for block in self.blocks:
            if block.base is None and merged and merged[-1].base is None:
                merged[-1] = _MemoryBlock(merged[-1].start, merged[-1].size + block.size)
            else:
                merged.append(block)
        self.blocks = merged


def _reference_count(block: _MemoryBlock) -> int:
    """The reference count of a block's base. Its value for a block that nobody else holds depends on the interpreter."""
    return sys.getrefcount(block.base)


class MemoryPool:
    """Segments of memory, split into blocks on request.

    An array from the pool is an ordinary NumPy array. Its block is free again when the array and every view of it are
    gone, as Python's reference count tells, so that an array somebody still holds is never overwritten. A block of one
    large array can be split for two smaller ones, and merged again: the levels of a U-Net share the same memory.

    Examples
    --------
    >>> pool = MemoryPool()
    >>> a = pool.empty((512, 512), np.float32)
    >>> address = a.ctypes.data
    >>> del a
    >>> pool.empty((512, 512), np.float32).ctypes.data == address
    True
    """

    def __init__(self) -> None:
        self._segments: list[_Segment] = []
        self._requests = 0
        self._lock = threading.Lock()
        renew_in_child(self, "_lock", threading.Lock)
        self._free_count = _reference_count(_MemoryBlock(0, 0, np.frombuffer(memoryview(b""), np.uint8)))

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        """An uninitialised C-contiguous array; from the pool, and aligned to a cache line, where it has `MIN_BYTES`."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        if size < MIN_BYTES:
            return np.empty(shape, dtype)
        with self._lock:
            base = self._allocate(-(-size // ALIGNMENT) * ALIGNMENT)
        return base[:size].view(dtype).reshape(shape)

    @property
    def reserved(self) -> int:
        """Bytes of all segments, in use or free."""
        with self._lock:
            return sum(len(segment.memory) for segment in self._segments)

    @property
    def allocated(self) -> int:
        """Bytes of the blocks in use."""
        with self._lock:
            self._reclaim()
            blocks = [block for segment in self._segments for block in segment.blocks]
            return sum(block.size for block in blocks if block.base is not None)

    def _allocate(self, size: int) -> np.ndarray:
        """`size` bytes that nobody holds: from the smallest free block that fits, else from a new segment."""
        self._requests += 1
        self._reclaim()
        fitting = [
            (block.size, k, segment, block)
            for k, segment in enumerate(self._segments)
            for block in segment.blocks
            if block.base is None and size <= block.size < MAX_SPLIT * size
        ]
        if fitting:
            _, _, segment, block = min(fitting, key=lambda candidate: candidate[:2])
        else:
            self._release(MAX_IDLE_REQUESTS)
            segment = _Segment(size, self._requests)
            block = segment.blocks[0]
            self._segments.append(segment)
        segment.last_request = self._requests
        return segment.allocate(block, size)

    def _reclaim(self) -> None:
        # This runs at every request, and most segments have nothing to reclaim: one loop without calls of our own.
        free_count, count = self._free_count, sys.getrefcount
        for segment in self._segments:
            for block in segment.blocks:
                if block.base is not None and count(block.base) <= free_count:
                    segment.reclaim(free_count)
                    break

    def _release(self, idle_requests: int) -> None:
        """Give free segments back to the system that were not used for at least so many requests."""
        self._reclaim()
        self._segments = [
            segment
            for segment in self._segments
            if not segment.is_free or self._requests - segment.last_request < idle_requests
        ]


_POOL = MemoryPool()


def pool() -> MemoryPool:
    """The pool that all kernels of this process share."""
    return _POOL


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """An uninitialised array from the shared pool."""
    return _POOL.empty(shape, dtype)


def zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """An array of zeros from the shared pool."""
    array = _POOL.empty(shape, dtype)
    array.fill(0)
    return array


def copy(array: np.ndarray) -> np.ndarray:
    """A C-contiguous copy, in an array from the shared pool."""
    copied = _POOL.empty(array.shape, array.dtype)
    np.copyto(copied, array)
    return copied
