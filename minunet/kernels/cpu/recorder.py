"""The recorder: it notes the NumPy calls that a kernel makes, so that they can be made again.

A kernel that is recorded reads and writes values only through `do`, and takes its arrays from `result_array` and `temporary`.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.scratch import ScratchMemory, scratch_memory

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_CONSTANT = 1 << 16  # bytes of an array that belongs to a recording, such as a matrix of Winograd's algorithm

# Set within the context of one call, so that it is gone however the call ends.
current_recorder: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar("recorder", default=None)


class _OfThread(threading.local):
    """Scratch memory of a thread for arrays that are needed until a recorded kernel returns."""

    def __init__(self) -> None:
        self.memory = ScratchMemory()


_temporaries = _OfThread()


def do(function: Callable[..., object], *args: Any) -> None:
    """function(*args), which writes its results to arrays among `args`; noted where a recording is made.

    In a kernel that is recorded, all that reads or writes values goes through here.
    """
    recorder = current_recorder.get()
    if recorder is None:
        function(*args)
        return
    current_recorder.set(None)  # what the function does by itself, it will do again
    try:
        function(*args)
    finally:
        current_recorder.set(recorder)
    recorder.note(function, args)


def clear(array: np.ndarray) -> None:
    """Set all values to 0."""
    do(np.copyto, array, 0)


def maximum(a: np.ndarray, b: np.ndarray | float, out: np.ndarray) -> None:
    """`np.maximum`, which takes `out` by its name only."""
    np.maximum(a, b, out=out)


def is_recording() -> bool:
    """Whether a recording is being made."""
    return current_recorder.get() is not None


def result_array(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """An uninitialised array from the memory pool that the kernel is going to return; another one for each replay."""
    array = memory_pool.empty(shape, dtype)
    if (recorder := current_recorder.get()) is not None:
        recorder.add_result(array)
    return array


def temporaries() -> ScratchMemory:
    """The memory from which `temporary` arrays of the calling thread come while it records."""
    return _temporaries.memory


def temporary(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """An uninitialised array that is needed until the kernel returns, at most; for all replays the same one."""
    return (
        memory_pool.empty(shape, dtype)
        if current_recorder.get() is None
        else _temporaries.memory.allocate(shape, dtype)
    )


class View(NamedTuple):
    """A part of an array that a recording is given, or that it returns; the first are numbered before the others."""

    array: int
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    strides: tuple[int, ...]


class Call(NamedTuple):
    """A call, with the places among its arguments where views belong, and the numbers of these views."""

    function: Callable[..., object]
    args: tuple[Any, ...]
    views: tuple[tuple[int, int], ...]


class Recorder:
    """Notes the calls of a kernel while it runs.

    Parameters
    ----------
    arrays : list of ndarray
        Those that are given to the kernel.

    Attributes
    ----------
    calls : list of Call
    views : dict of View to int
        The views in their order.
    results : list of (shape, dtype)
        Of the arrays that are returned.
    is_complete : bool
        Whether the calls compute the same for other arrays.
    """

    def __init__(self, arrays: list[np.ndarray]):
        self.calls: list[Call] = []
        self.views: dict[View, int] = {}
        self.results: list[tuple[tuple[int, ...], np.dtype]] = []
        self._fixed = [address_range(memory.memory) for memory in (scratch_memory(), temporaries())]
        self._ranges = [address_range(array) for array in arrays]
        in_order = sorted(self._ranges)
        # Two arrays that share memory need not do so the next time.
        self.is_complete = not [a for a, b in zip(in_order, in_order[1:], strict=False) if b[0] < a[1]]

    def add_result(self, array: np.ndarray) -> None:
        """Note an array that is going to be returned."""
        self._ranges.append(address_range(array))
        self.results.append((array.shape, array.dtype))

    def note(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Note a call."""
        kept = list(args)
        views = []
        for place, value in enumerate(args):
            if not isinstance(value, np.ndarray):
                continue
            if not value.size:
                kept[place] = np.empty(value.shape, value.dtype)
            elif (view := self.view_of(value)) is not None:
                kept[place] = None
                views.append((place, view))
        self.calls.append(Call(function, tuple(kept), tuple(views)))

    def view_of(self, array: np.ndarray) -> int | None:
        """The number of the view that an array is; None for an array that is the same in all replays."""
        address, _ = address_range(array)
        for number, (first, last) in enumerate(self._ranges):
            if first <= address < last:
                view = View(number, array.shape, array.dtype, address - first, array.strides)
                return self.views.setdefault(view, len(self.views))
        if not [first for first, last in self._fixed if first <= address < last]:
            owner = array if array.base is None else array.base
            if getattr(owner, "nbytes", 0) > MAX_CONSTANT:
                self.is_complete = False  # memory that somebody else may have by then
        return None


def address_range(array: np.ndarray) -> tuple[int, int]:
    """The addresses of an array's first byte, and of the one after its last if it is contiguous."""
    start = array.__array_interface__["data"][0]
    return start, start + array.nbytes
