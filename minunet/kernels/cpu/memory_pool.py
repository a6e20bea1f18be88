"""The memory pool: memory for large arrays, which is used again as soon as nobody holds an array in it.

A training step makes and drops the same arrays over and over. Memory that comes from the system each time is cleared by the
operating system at its first use, page by page, which costs about as much as writing it once more.
"""

from __future__ import annotations

import math
import re
import threading
import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minunet.forks import renew_in_child
from minunet.kernels.cpu.address_space import ALIGNMENT, address_space

if TYPE_CHECKING:
    import numpy.typing as npt

MIN_BYTES = 1 << 18  # a smaller array comes from NumPy, which is as fast for it
# Of memory that can go back to the system only as a whole, a gap this many times as large as an array is not used for it: small
# arrays often live long.
MAX_SPLIT = 16
WINDOW = 5_000  # requests; memory that was not used in a whole window goes back to the system

CHUNK = MIN_BYTES  # bytes of memory that are given back together
_GIVEN_BACK, _IDLE, _IN_USE = b"\0", b"\1", b"\2"
_AGED = bytes.maketrans(_IN_USE, _IDLE)


class _Block(weakref.ref[np.ndarray]):
    """Some bytes of a segment, in use as long as the array on them lives, of which all arrays in the block are views."""

    __slots__ = ("start", "stop")
    start: int
    stop: int

    def __new__(cls, base: np.ndarray, start: int, stop: int) -> _Block:
        return super().__new__(cls, base)

    def __init__(self, base: np.ndarray, start: int, stop: int):
        self.start, self.stop = start, stop


class _Gap(NamedTuple):
    """A place for an array: unused bytes between blocks, or behind the last one.

    Attributes
    ----------
    size : int
        Bytes of a gap; behind the memory in use so far, those that the system must provide.
    segment : int
    number : int
        How many blocks are before the gap.
    start : int
    """

    size: int
    segment: int
    number: int
    start: int


class _Segment:
    """A range of addresses, and the blocks of it that are in use, in their order.

    A signal or a fork can come between any two lines. The list of blocks is therefore replaced as a whole, by one
    assignment: at no moment two blocks share memory.

    Attributes
    ----------
    max_split : float
        A gap so many times as large as an array, or larger, is not used for it.
    chunks : bytearray
        The state of each chunk up to the last one that was used: used in this window, idle, or given back.
    """

    def __init__(self, size: int):
        self._space = address_space(size)
        self.size = len(self._space.memory)
        self.max_split = math.inf if self._space.gives_back_parts else MAX_SPLIT
        self.blocks: list[_Block] = []
        self.chunks = bytearray()

    @property
    def reserved(self) -> int:
        """Bytes that the system has provided."""
        return min(self.size, CHUNK * (len(self.chunks) - self.chunks.count(_GIVEN_BACK)))

    def allocate(self, start: int, size: int, number: int) -> np.ndarray:
        """The array of a new block, behind so many others."""
        stop = start + size
        first, last = start // CHUNK, -(-stop // CHUNK)
        self.chunks[first:last] = _IN_USE * (last - first)
        base = np.frombuffer(self._space.memory[start:stop], np.uint8)
        self.blocks = [*self.blocks[:number], _Block(base, start, stop), *self.blocks[number:]]
        return base

    def give_back(self, idle_only: bool) -> None:
        """Give whole chunks that no block reaches into back to the system: those that are idle, or all."""
        if self._space.gives_back_parts:
            self._give_back_gaps(idle_only)
        self.chunks = self.chunks.translate(_AGED).rstrip(_GIVEN_BACK)

    def _give_back_gaps(self, idle_only: bool) -> None:
        stops = [0, *(block.stop for block in self.blocks)]
        starts = [*(block.start for block in self.blocks), CHUNK * len(self.chunks)]
        given_back = re.compile(_IDLE + b"+" if idle_only else b"[" + _IDLE + _IN_USE + b"]+")
        for gap_start, gap_stop in zip(stops, starts, strict=True):
            first = -(-gap_start // CHUNK)
            for found in given_back.finditer(self.chunks[first : gap_stop // CHUNK]):
                chunks = slice(first + found.start(), first + found.end())
                self._space.give_back(CHUNK * chunks.start, min(self.size, CHUNK * chunks.stop))
                self.chunks[chunks] = _GIVEN_BACK * len(found[0])


class MemoryPool:
    """Segments of memory, in which arrays lie in blocks with gaps between them.

    An array from the pool is an ordinary NumPy array. Its block is free again when the array and every view of it are
    gone, so that an array somebody still holds is never overwritten. A gap is filled by arrays of any sizes that fit: the
    levels of a U-Net share the same memory.

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
        """Bytes that the system has provided, in use or free."""
        with self._lock:
            return sum(segment.reserved for segment in self._segments)

    @property
    def allocated(self) -> int:
        """Bytes of the blocks in use."""
        with self._lock:
            return sum(
                block.stop - block.start
                for segment in self._segments
                for block in segment.blocks
                if block() is not None
            )

    def release(self) -> None:
        """Give all memory that is free back to the system."""
        with self._lock:
            self._give_back(idle_only=False)

    def _allocate(self, size: int) -> np.ndarray:
        """`size` bytes that nobody holds: the smallest gap that fits, else memory behind the last block, else a new segment."""
        self._requests += 1
        if self._requests % WINDOW == 0:
            self._give_back(idle_only=True)
        place = self._find(size)
        if place is None:
            self._segments = [*self._segments, _Segment(size)]
            place = _Gap(size, len(self._segments) - 1, 0, 0)
        return self._segments[place.segment].allocate(place.start, size, place.number)

    def _find(self, size: int) -> _Gap | None:
        """The smallest gap that fits; the lowest of several."""
        # This runs at every request and looks at every block: one loop without calls of our own.
        gaps: list[_Gap] = []
        growth: list[_Gap] = []
        for number, segment in enumerate(self._segments):
            used: list[_Block] = []
            smallest, where, place = segment.max_split * size, -1, 0
            stop = 0  # of the block before
            for block in segment.blocks:
                if block() is not None:
                    start = block.start
                    if size <= start - stop < smallest:
                        smallest, where, place = start - stop, stop, len(used)
                    used.append(block)
                    stop = block.stop
            segment.blocks = used
            top = min(segment.size, CHUNK * len(segment.chunks))
            if size <= top - stop < smallest:
                smallest, where, place = top - stop, stop, len(used)
            if where >= 0:
                gaps.append(_Gap(int(smallest), number, place, where))
            elif top < stop + size <= segment.size:
                growth.append(_Gap(stop + size - top, number, len(used), stop))
        return min(gaps or growth, default=None)

    def _give_back(self, idle_only: bool) -> None:
        for segment in self._segments:
            segment.blocks = [block for block in segment.blocks if block() is not None]
        self._segments = [s for s in self._segments if s.blocks or (idle_only and _IN_USE in s.chunks)]
        for segment in self._segments:
            segment.give_back(idle_only)


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
