"""The memory pool: large arrays are made of pieces of memory that are handed out again once nobody holds an array made of them.

A step of training makes and drops the same arrays over and over; taken from the system each time, every page of them would be
cleared by the kernel before its first use, which costs about as much as writing it once more.
"""

from __future__ import annotations

import math
import sys
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
SMALLEST = 1 << 18  # bytes; NumPy's own allocation is as good for less
MOST_PARTS = 16  # a free piece this many times as large as a request is not cut up for it: small arrays often stay long
STALE = 20_000  # a free segment that so many requests have passed over goes back to the system


@dataclass
class _Piece:
    """Some bytes of a segment; `block` is the array that all arrays made of them are views of, None while they are free."""

    start: int
    size: int
    block: np.ndarray | None = None


class _Segment:
    """Memory taken from the system in one go, and the pieces it is cut into, which lie side by side and fill it."""

    def __init__(self, size: int, request: int):
        raw = np.empty(size + ALIGNMENT, np.uint8)
        skip = -raw.ctypes.data % ALIGNMENT
        # NumPy makes a view of a view refer to the array at the bottom. Through a memoryview each piece is a bottom of its
        # own, so that its reference count speaks for it alone.
        self.memory = memoryview(raw[skip : skip + size])
        self.pieces = [_Piece(0, size)]
        self.last_used = request

    def cut(self, piece: _Piece, size: int) -> np.ndarray:
        """Hand out the first `size` bytes of a free piece; what is left stays free."""
        if piece.size > size:
            rest = _Piece(piece.start + size, piece.size - size)
            self.pieces.insert(self.pieces.index(piece) + 1, rest)
            piece.size = size
        piece.block = np.frombuffer(self.memory[piece.start : piece.start + size], np.uint8)
        return piece.block

    def join(self, unheld: int) -> None:
        """Take back the pieces that nobody holds, and make one of free neighbours."""
        for piece in self.pieces:
            if piece.block is not None and _references(piece) <= unheld:
                piece.block = None
        if len(self.pieces) == 1:  # most segments, and this runs at every request
            return
        joined: list[_Piece] = []
        for piece in self.pieces:
            if piece.block is None and joined and joined[-1].block is None:
                joined[-1].size += piece.size
            else:
                joined.append(piece)
        self.pieces = joined


def _references(piece: _Piece) -> int:
    """The reference count of a piece's block; what it is for one nobody else holds depends on the interpreter."""
    return sys.getrefcount(piece.block)


class MemoryPool:
    """Segments of memory, cut into pieces as they are asked for.

    An array from the pool is an ordinary NumPy array. Its piece is free again when the array and every view of it are gone,
    which Python's reference count tells, so that an array somebody still holds is never overwritten. What was one large
    array can become two smaller ones, and one again: a U-Net's levels take turns with the same memory.

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
        self._unheld = _references(_Piece(0, 0, np.frombuffer(memoryview(b""), np.uint8)))

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
            block = self._take(-(-size // ALIGNMENT) * ALIGNMENT)
        return block[:size].view(dtype).reshape(shape)

    @property
    def held(self) -> int:
        """Bytes of all segments, in use or free."""
        with self._lock:
            return sum(len(segment.memory) for segment in self._segments)

    @property
    def in_use(self) -> int:
        """Bytes of the pieces that somebody holds an array of."""
        with self._lock:
            self._join()
            return sum(piece.size for segment in self._segments for piece in segment.pieces if piece.block is not None)

    def trim(self) -> None:
        """Give every segment that is free altogether back to the system."""
        with self._lock:
            self._drop(0)

    def _take(self, size: int) -> np.ndarray:
        """At least `size` bytes that nobody holds: of the smallest free piece that fits, or a new segment."""
        self._requests += 1
        self._join()
        fitting = [
            (piece.size, k, segment, piece)
            for k, segment in enumerate(self._segments)
            for piece in segment.pieces
            if piece.block is None and size <= piece.size < MOST_PARTS * size
        ]
        if fitting:
            _, _, segment, piece = min(fitting, key=lambda found: found[:2])
        else:
            self._drop(STALE)
            segment = _Segment(size, self._requests)
            piece = segment.pieces[0]
            self._segments.append(segment)
        segment.last_used = self._requests
        return segment.cut(piece, size)

    def _join(self) -> None:
        for segment in self._segments:
            segment.join(self._unheld)

    def _drop(self, patience: int) -> None:
        """Give segments back that are free and that at least `patience` requests have passed over."""
        self._join()
        self._segments = [
            segment
            for segment in self._segments
            if any(piece.block is not None for piece in segment.pieces) or self._requests - segment.last_used < patience
        ]


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
