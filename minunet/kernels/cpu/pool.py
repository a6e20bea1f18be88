"""The memory pool: large arrays are made of blocks that are handed out again once nobody holds an array made of them.

A step of training makes and drops the same arrays over and over; taken from the system each time, every page of them would be
cleared by the kernel before its first use, which costs about as much as writing it once more.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
SMALLEST = 1 << 18  # bytes; NumPy's own allocation is as good for less
SLACK = 1.25  # a block serves a request if it is at most this many times as large
STALE = 20_000  # a free block that so many requests have passed over goes back to the system


class MemoryPool:
    """Blocks of memory by size.

    An array from the pool is an ordinary NumPy array. Its block is free again when the array and every view of it are gone,
    which Python's reference count of the block tells, so that an array somebody still holds is never overwritten.

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
        self._blocks: list[np.ndarray] = []  # uint8, smallest first
        self._last_used: list[int] = []
        self._requests = 0
        self._lock = threading.Lock()
        self._unheld = _references([np.empty(0, np.uint8)], 0)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An unwritten C-contiguous array, aligned to a cache line where it is large enough to come from the pool.

        Parameters
        ----------
        shape : tuple of int
        dtype : dtype
        """
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        with self._lock:
            block = self._take(size + ALIGNMENT)
        start = -block.ctypes.data % ALIGNMENT
        return block[start : start + size].view(dtype).reshape(shape)

    @property
    def held(self) -> int:
        """Bytes of all blocks, in use or free."""
        with self._lock:
            return sum(block.nbytes for block in self._blocks)

    @property
    def in_use(self) -> int:
        """Bytes of the blocks that somebody holds an array of."""
        with self._lock:
            return sum(self._blocks[k].nbytes for k in range(len(self._blocks)) if not self._is_free(k))

    def trim(self) -> None:
        """Give every free block back to the system."""
        with self._lock:
            self._drop(lambda k: True)

    def _is_free(self, k: int) -> bool:
        return _references(self._blocks, k) <= self._unheld

    def _take(self, size: int) -> np.ndarray:
        """A block of at least `size` bytes that nobody holds: the smallest that fits well, or a new one."""
        self._requests += 1
        for k in range(self._first_of(size), len(self._blocks)):
            if self._blocks[k].nbytes > SLACK * size:
                break
            if self._is_free(k):
                self._last_used[k] = self._requests
                return self._blocks[k]
        self._drop(lambda k: self._requests - self._last_used[k] > STALE)
        block = np.empty(size, np.uint8)
        k = self._first_of(size)
        self._blocks.insert(k, block)
        self._last_used.insert(k, self._requests)
        return block

    def _first_of(self, size: int) -> int:
        """Place of the first block of at least `size` bytes (by bisection)."""
        low, high = 0, len(self._blocks)
        while low < high:
            middle = (low + high) // 2
            if self._blocks[middle].nbytes < size:
                low = middle + 1
            else:
                high = middle
        return low

    def _drop(self, unwanted: Any) -> None:
        for k in reversed(range(len(self._blocks))):
            if unwanted(k) and self._is_free(k):
                del self._blocks[k], self._last_used[k]


def _references(blocks: list[np.ndarray], k: int) -> int:
    """The reference count of a block, as seen from here; what it is for a block nobody else holds depends on the interpreter."""
    return sys.getrefcount(blocks[k])


_POOL = MemoryPool()


def pool() -> MemoryPool:
    """The pool that all kernels of this process share."""
    return _POOL


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An unwritten array from the shared pool."""
    return _POOL.empty(shape, dtype)


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros from the shared pool."""
    array = _POOL.empty(shape, dtype)
    array.fill(0)
    return array


def copy(array: np.ndarray) -> np.ndarray:
    """A C-contiguous copy in an array from the shared pool."""
    made = _POOL.empty(array.shape, array.dtype)
    np.copyto(made, array)
    return made
