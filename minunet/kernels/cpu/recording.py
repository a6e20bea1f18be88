"""A recording: the NumPy calls that computed a primitive for small arrays, made again for other arrays of the same shapes.

For a small image, Python takes as long to prepare NumPy's calls (shapes, slices, buffers) as NumPy to make them. In a recording
they are prepared: most calls work on buffers in scratch memory, and the others get new views of the given arrays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.recorder import Call, Recorder, current_recorder, is_recording, temporaries
from minunet.kernels.cpu.scratch import scratch, scratch_memory
from minunet.kernels.cpu.threads import parallel
from minunet.kernels.dispatch import signature

LONGEST = 3_000_000.0  # estimated nanoseconds of a call on one core; in a longer one, threads save more
SEEN_BEFORE = (
    2  # calls with the same shapes before one is recorded: nothing is recorded for shapes that do not come again
)
MOST_RECORDINGS = 256  # of a thread

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


class _OfThread(threading.local):
    """The recordings of a thread: for each kernel and signature one, or how often it was seen; -1 if it is not to be recorded."""

    def __init__(self) -> None:
        self.recordings: dict[Any, Recording | int] = {}


_own = _OfThread()


class Recording:
    """The calls of a kernel, which `replay` makes for other arrays of the same shapes.

    Parameters
    ----------
    recorder : Recorder
        Once the kernel has run.
    result
        What the kernel returned: an array, None, or a tuple of them.
    """

    def __init__(self, recorder: Recorder, result: Any):
        self._result = self._template(recorder, result)
        self._views = list(recorder.views)
        self._results = recorder.results
        # Without views a call is complete.
        self._calls = [
            call if call.views else Call(partial(call.function, *call.args), (), ()) for call in recorder.calls
        ]
        self._scratch, self._used = scratch_memory().memory, scratch_memory().peak
        self._temporaries = temporaries().memory

    def fits(self) -> bool:
        """Whether the scratch memory is still where it was, and free."""
        own = scratch_memory()
        return own.memory is self._scratch and not own.used and temporaries().memory is self._temporaries

    def replay(self, arrays: list[np.ndarray]) -> Any:
        """The result for other arrays."""
        arrays += [memory_pool.empty(shape, dtype) for shape, dtype in self._results]
        parallel(self._make_calls, (arrays,))
        return self._filled(self._result, arrays)

    def _make_calls(self, arrays: list[np.ndarray]) -> None:
        with scratch():
            scratch_memory().used = self._used  # functions among the calls may need scratch memory of their own
            views = [
                np.ndarray(shape, dtype, arrays[number], offset, strides)
                for number, shape, dtype, offset, strides in self._views
            ]
            for function, args, places in self._calls:
                if not places:
                    function()
                    continue
                values = list(args)
                for place, view in places:
                    values[place] = views[view]
                function(*values)

    def _template(self, recorder: Recorder, result: Any) -> Any:
        """The result with the numbers of views in the place of arrays."""
        if isinstance(result, tuple):
            return tuple([self._template(recorder, part) for part in result])
        if result is None:
            return None
        view = recorder.view_of(result)
        if view is None or not result.flags.c_contiguous:
            recorder.is_complete = False
        return view

    def _filled(self, template: Any, arrays: list[np.ndarray]) -> Any:
        if isinstance(template, tuple):
            return tuple([self._filled(part, arrays) for part in template])
        return None if template is None else arrays[self._views[template].array].reshape(self._views[template].shape)


def recorded(cost: Callable[..., float]) -> Callable[[Kernel], Kernel]:
    """Decorator of a kernel that is recorded for arguments for which it takes little time by its estimated `cost`.

    What is recorded runs on the calling thread; so short a call is not faster on several.
    """

    def decorate(kernel: Kernel) -> Kernel:
        def run(*args: Any) -> Any:
            shapes = signature(args)
            return kernel(*args) if shapes is None else by_key(shapes, *args)

        def by_key(shapes: tuple[Any, ...], *args: Any) -> Any:
            key = (kernel, shapes)
            known = _own.recordings.get(key, 0)
            if known == -1 or is_recording():
                return kernel(*args)
            if isinstance(known, Recording) and known.fits():
                return known.replay(_arrays(args))
            if isinstance(known, int) and known < SEEN_BEFORE:
                _remember(key, known + 1 if known or _is_suitable(cost, args) else -1)
                return kernel(*args)
            return _record(key, kernel, args)

        origin = getattr(kernel, "func", kernel)  # of a partial, the function behind it
        run.__module__, run.__qualname__, run.__doc__ = origin.__module__, origin.__qualname__, origin.__doc__
        run.by_key = by_key  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate


def _is_suitable(cost: Callable[..., float], args: tuple[Any, ...]) -> bool:
    unfit = [array for array in _arrays(args) if not array.size or not array.flags.c_contiguous]
    return not unfit and cost(*args) <= LONGEST


def _record(key: Any, kernel: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The result of a kernel, whose calls are noted meanwhile."""
    if scratch_memory().used:
        return kernel(*args)
    (result,) = parallel(partial(_run_and_record, key, kernel), (args,))
    return result


def _run_and_record(key: Any, kernel: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    memories = scratch_memory(), temporaries()
    temporaries().used = 0
    for memory in memories:
        memory.grow()
    before = [(memory, memory.memory, memory.peak) for memory in memories]
    for memory in memories:
        memory.peak = 0
    recorder = Recorder(_arrays(args))
    current_recorder.set(recorder)
    try:
        result = kernel(*args)
        recording = Recording(recorder, result)
        elsewhere = [memory for memory, array, _ in before if memory.memory is not array or memory.peak > array.size]
        if not elsewhere:
            _remember(key, recording if recorder.is_complete else -1)
        # Else some buffers are not in the scratch memory, which will be larger the next time.
    finally:
        for memory, _, peak in before:
            memory.peak = max(peak, memory.peak)
    return result


def _remember(key: Any, value: Recording | int) -> None:
    if len(_own.recordings) >= MOST_RECORDINGS and key not in _own.recordings:
        _own.recordings.clear()
    _own.recordings[key] = value


def _arrays(args: tuple[Any, ...]) -> list[np.ndarray]:
    """The arrays among arguments, in their order."""
    found: list[np.ndarray] = []
    for value in args:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += _arrays(tuple(value))
    return found
