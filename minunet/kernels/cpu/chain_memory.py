"""The memory of call chains: arrays that lie close together, at addresses that are the same in every run of a chain."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.kernels.cpu.address_space import ALIGNMENT, address_space

if TYPE_CHECKING:
    import numpy.typing as npt

MEMORY = 1 << 26  # bytes for the chains of a thread, at most
_GAP = ALIGNMENT  # bytes between arrays, see `ScratchMemory.allocate`


class CannotChain(Exception):
    """The calls depend on more than a chain can know, or need too much memory."""


class ChainMemory:
    """The memory of the chains of a thread, of which one is in use at a time.

    Attributes
    ----------
    whole : array of bytes
    user : callable
        A weak reference to what uses the memory now; `nobody` if nothing does.
    """

    def __init__(self) -> None:
        self._space = address_space(MEMORY, MEMORY + ALIGNMENT)
        self.whole = np.frombuffer(self._space.memory, np.uint8)
        self.thread = threading.get_ident()
        self.user: Callable[[], Any] = nobody
        self._blocks: list[tuple[int, int, weakref.ref[np.ndarray]]] = []

    def give_back(self) -> None:
        """Give the memory back to the system until it is used again: nothing in it is needed from one run to the next."""
        self._space.give_back(0, MEMORY)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
        """An array while a chain is recorded; when it is gone, others take its place.

        Raises
        ------
        CannotChain
            If there is too little memory.
        """
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        self._blocks = [block for block in self._blocks if block[2]() is not None]
        start, place = 0, 0
        for place, (first, last, _) in enumerate([*self._blocks, (MEMORY, MEMORY, nobody)]):  # noqa: B007
            if start + size + _GAP <= first:
                break
            start = last
        else:
            raise CannotChain
        stop = start + -(-size // ALIGNMENT) * ALIGNMENT + _GAP
        base = np.frombuffer(self.whole.data[start : start + max(size, 1)], np.uint8)
        self._blocks.insert(place, (start, stop, weakref.ref(base)))
        return base[:size].view(dtype).reshape(shape)


def nobody() -> None:
    """Stands for a weak reference to nothing."""


class _OfThread(threading.local):
    """The memory of the chains of a thread."""

    memory: ChainMemory | None = None


_own = _OfThread()


def chain_memory() -> ChainMemory:
    """The memory of the chains of the calling thread."""
    if _own.memory is None:
        _own.memory = ChainMemory()
    return _own.memory
