"""A chain of calls: what several primitives do for small arrays, one after the other, in memory that belongs to the chain.

All views of that memory are made once. To run a chain takes little more time than its NumPy calls: nothing is chosen, allocated or
looked at between them.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.chain_memory import CannotChain, ChainMemory
from minunet.kernels.cpu.recorder import Call, View, address_range
from minunet.kernels.cpu.recording import Recording, arrays_among, known_recording, make_calls
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.dispatch import Primitive, intercept_calls

if TYPE_CHECKING:
    pass

LEAST_RECORDED = 0.75  # the share of primitives whose calls are recorded; with fewer, Python takes little of the time


class CallChain:
    """Calls that are made one after the other.

    Parameters
    ----------
    parts : list of callable
        Each does some of the calls, and is given the arrays that are made for a run.
    results : list of (shape, dtype)
        Of these arrays.
    """

    def __init__(
        self, parts: list[Callable[[list[np.ndarray]], object]], results: list[tuple[tuple[int, ...], np.dtype]]
    ):
        self._parts, self._results = parts, results

    def run(self) -> list[np.ndarray]:
        """Make the calls; returns new arrays, which belong to the caller."""
        arrays = [memory_pool.empty(shape, dtype) for shape, dtype in self._results]
        for part in self._parts:
            part(arrays)
        return arrays


class _Noted(NamedTuple):
    """What was computed: by a recording, or by a function of a primitive."""

    made_by: Recording | Callable[..., Any]
    args: tuple[Any, ...]
    arrays: list[np.ndarray]  # those that were given, and those that were returned
    result: Any


# Set within the context of one call, so that it is gone however the call ends.
_current: contextvars.ContextVar[ChainRecorder | None] = contextvars.ContextVar("chain_recorder", default=None)


class ChainRecorder:
    """Computes the primitives that a function calls, and notes the calls that compute them.

    Parameters
    ----------
    memory : ChainMemory
        For all results.
    constants : list of array
        Arrays that primitives may be given besides what is in this memory. Their memory must stay the same.
    """

    def __init__(self, memory: ChainMemory, constants: Sequence[np.ndarray]):
        self._memory = memory
        self._fixed = [(array, *address_range(array)) for array in (memory.whole, *constants)]
        self._noted: list[_Noted] = []
        self._calls = self._recorded = 0

    def record(self, function: Callable[..., None], *args: Any) -> None:
        """function(*args), all results of primitives in the memory of the chain."""
        contextvars.copy_context().run(self._record, function, args)

    def _record(self, function: Callable[..., None], args: tuple[Any, ...]) -> None:
        _current.set(self)
        with intercept_calls(self._call):
            function(*args)

    def _call(self, primitive: Primitive, args: tuple[Any, ...]) -> Any:
        """The result of a primitive."""
        if _current.get() is not self:  # it is called by another primitive, or Ctrl-C came as an interception ended
            return primitive.compute(*args)
        given = arrays_among(args)
        candidate = primitive.choose(*args)
        known = known_recording(candidate, args)
        self._calls += 1
        if known is not None:
            self._recorded += 1
            arrays = [*given, *(self._memory.empty(shape, dtype) for shape, dtype in known.results)]
            result = known.compute(arrays)
            self._noted.append(_Noted(known, args, arrays, result))
            return result
        _current.set(None)
        result = self._moved(candidate.run(*args))
        _current.set(self)
        self._noted.append(_Noted(candidate.run, args, [*given, *arrays_among((result,))], result))
        return result

    def add(self, total: np.ndarray, array: np.ndarray) -> None:
        """total += array."""
        np.add(total, array, total)
        self._noted.append(_Noted(np.add, (total, array, total), [total, array], None))

    def fixed(self, array: np.ndarray) -> np.ndarray:
        """A view on the memory of the chain, or on a constant, that does not keep the place of the array in use."""
        whole, offset = self._place(array)
        return np.ndarray(array.shape, array.dtype, whole, offset, array.strides)

    def chain(self, new: Sequence[np.ndarray] = ()) -> CallChain:
        """The calls since the last chain. Of `new`, arrays among their results, each run makes others."""
        numbers = {address_range(array)[0]: number for number, array in enumerate(new)}
        parts: list[Callable[[list[np.ndarray]], object]] = []
        calls: list[Call] = []
        views: dict[View, int] = {}
        used = 0
        for noted in self._noted:
            places = [self._place_or_number(array, numbers) for array in noted.arrays]
            if isinstance(noted.made_by, Recording):
                calls += noted.made_by.bound(places, views)
                used = max(used, noted.made_by.used)
                continue
            if noted.result is None:  # it has written to its arguments
                calls.append(Call(partial(noted.made_by, *self._fixed_args(noted.args)), (), ()))
                continue
            if calls:
                parts.append(partial(_make_recorded, calls, list(views), used))
                calls, views, used = [], {}, 0
            parts.append(self._kernel_call(noted, numbers))
        if calls:
            parts.append(partial(_make_recorded, calls, list(views), used))
        self._noted.clear()
        return CallChain(parts, [(array.shape, array.dtype) for array in new])

    def check(self) -> None:
        """CannotChain if too few of the calls are recorded."""
        if self._recorded < LEAST_RECORDED * self._calls:
            raise CannotChain

    def _moved(self, result: Any) -> Any:
        """A result in the memory of the chain."""
        if isinstance(result, tuple):
            return tuple([self._moved(part) for part in result])
        if result is None:
            return None
        array = self._memory.empty(result.shape, result.dtype)
        np.copyto(array, result)
        return array

    def _place(self, array: np.ndarray) -> tuple[np.ndarray, int]:
        """The fixed memory in which an array is, and its first byte there."""
        address, _ = address_range(array)
        for memory, first, last in self._fixed:
            if first <= address < last:
                return memory, address - first
        raise CannotChain

    def _place_or_number(self, array: np.ndarray, numbers: dict[int, int]) -> tuple[np.ndarray, int] | int:
        number = numbers.get(address_range(array)[0])
        return self._place(array) if number is None else number

    def _kernel_call(self, noted: _Noted, numbers: dict[int, int]) -> Callable[[list[np.ndarray]], object]:
        """A call of a function that is not recorded, whose results are copied to where they belong."""
        args = self._fixed_args(noted.args)
        targets = [
            self.fixed(array) if (number := numbers.get(address_range(array)[0])) is None else number
            for array in arrays_among((noted.result,))
        ]

        def call(arrays: list[np.ndarray]) -> None:
            results = arrays_among((noted_by(*args),))
            for target, result in zip(targets, results, strict=True):
                np.copyto(arrays[target] if isinstance(target, int) else target, result)

        noted_by: Callable[..., Any] = noted.made_by  # type: ignore[assignment]
        return call

    def _fixed_args(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([self._fixed_args(part) for part in value])
        return self.fixed(value) if isinstance(value, np.ndarray) else value


def _make_recorded(calls: list[Call], views: list[View], used: int, arrays: list[np.ndarray]) -> None:
    parallel(partial(make_calls, calls, views, used), (arrays,))
