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

from minunet.kernels import ownership
from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.recorder import Call, Recorder, View, current_recorder, is_recording, temporaries
from minunet.kernels.cpu.scratch import scratch, scratch_memory
from minunet.kernels.cpu.threads import get_num_threads, parallel
from minunet.kernels.dispatch import Candidate, signature

LONGEST = 3_000_000.0  # estimated nanoseconds of a call on one core; in a longer one, threads save more
LONGEST_ALONE = 12_000_000.0  # the same where there are no other threads, for arrays that are not large
# Calls with the same shapes before one is recorded: shapes that do not come again are not. In one prediction of a U-Net a shape
# comes up to three times.
SEEN_BEFORE = 3
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

    Attributes
    ----------
    results : list of (shape, dtype)
        Of the arrays that are returned.
    used : int
        Bytes of scratch memory that the calls use.
    """

    def __init__(self, recorder: Recorder, result: Any):
        self._result = self._template(recorder, result)
        self._views = list(recorder.views)
        self.results = recorder.results
        # Without views a call is complete.
        self._calls = [
            call if call.views else Call(partial(call.function, *call.args), (), ()) for call in recorder.calls
        ]
        self._scratch, self.used = scratch_memory().memory, scratch_memory().peak
        self._temporaries = temporaries().memory

    def fits(self) -> bool:
        """Whether the scratch memory is still where it was, and free."""
        own = scratch_memory()
        return own.memory is self._scratch and not own.used and temporaries().memory is self._temporaries

    def replay(self, arrays: list[np.ndarray]) -> Any:
        """The result for other arrays."""
        return self.compute([*arrays, *(memory_pool.empty(shape, dtype) for shape, dtype in self.results)])

    def compute(self, arrays: list[np.ndarray]) -> Any:
        """The result for other arrays, behind which are those for the results."""
        parallel(partial(make_calls, self._calls, self._views, self.used), (arrays,))
        return self._filled(self._result, arrays)

    def bound(self, places: list[tuple[np.ndarray, int] | int], views: dict[View, int]) -> list[Call]:
        """The calls for arrays whose places are known beforehand.

        Parameters
        ----------
        places : list
            Of each array, given or returned: the memory and its first byte there; or its number among the arrays that are still
            to come.
        views : dict of View to int
            The views of the latter, to which those of this recording are added.
        """
        known: list[np.ndarray | int] = []
        for number, shape, dtype, offset, strides in self._views:
            place = places[number]
            if isinstance(place, int):
                known.append(views.setdefault(View(place, shape, dtype, offset, strides), len(views)))
            else:
                memory, start = place
                known.append(np.ndarray(shape, dtype, memory, start + offset, strides))
        calls = []
        for function, args, numbered in self._calls:
            values, missing = list(args), []
            for place, view in numbered:
                if isinstance(part := known[view], int):
                    missing.append((place, part))
                else:
                    values[place] = part
            complete = function if not numbered else partial(function, *values)
            calls.append(Call(function, tuple(values), tuple(missing)) if missing else Call(complete, (), ()))
        return calls

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


def make_calls(calls: list[Call], views: list[View], used: int, arrays: list[np.ndarray]) -> None:
    """Make calls with views of some arrays, while so many bytes of the scratch memory are in use."""
    with scratch():
        scratch_memory().used = used  # functions among the calls may need scratch memory of their own
        made = [
            np.ndarray(shape, dtype, arrays[number], offset, strides) for number, shape, dtype, offset, strides in views
        ]
        for function, args, places in calls:
            if not places:
                function()
                continue
            values = list(args)
            for place, view in places:
                values[place] = made[view]
            function(*values)


def recorded(cost: Callable[..., float]) -> Callable[[Kernel], Kernel]:
    """Decorator of a kernel that is recorded for arguments for which it takes little time by its estimated `cost`.

    Such a call runs on the calling thread, also before it is recorded: so short a call is not faster on several.
    """

    def decorate(kernel: Kernel) -> Kernel:
        def run(*args: Any) -> Any:
            shapes = signature(args)
            return kernel(*args) if shapes is None else by_key(shapes, *args)

        def by_key(shapes: tuple[Any, ...], *args: Any) -> Any:
            key = _key(kernel, shapes)
            known = _own.recordings.get(key, 0)
            if known == -1 or is_recording():
                return kernel(*args)
            if isinstance(known, Recording) and known.fits():
                return known.replay(arrays_among(args))
            if known == 0 and not _is_suitable(cost, args):
                _remember(key, -1)
                return kernel(*args)
            if isinstance(known, int) and known < SEEN_BEFORE:
                _remember(key, known + 1)
                return _on_this_thread(partial(kernel, *args))
            return _record(key, kernel, args)

        origin = getattr(kernel, "func", kernel)  # of a partial, the function behind it
        run.__module__, run.__qualname__, run.__doc__ = origin.__module__, origin.__qualname__, origin.__doc__
        by_key.kernel = kernel  # type: ignore[attr-defined]
        run.by_key = by_key  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate


def known_recording(candidate: Candidate, args: tuple[Any, ...]) -> Recording | None:
    """The recording that a candidate would replay for some arguments, on the calling thread; None if there is none."""
    known = _own.recordings.get(_key(getattr(candidate.run_by_key, "kernel", None), signature(args)))
    return known if isinstance(known, Recording) and known.fits() else None


def _key(kernel: Any, shapes: tuple[Any, ...] | None) -> tuple[Any, ...]:
    return kernel, shapes, get_num_threads() == 1


def _is_suitable(cost: Callable[..., float], args: tuple[Any, ...]) -> bool:
    arrays = arrays_among(args)
    if [array for array in arrays if not array.size or not array.flags.c_contiguous]:
        return False
    # Results of a recording are new arrays, so those of large arrays could not take the places of these.
    is_alone = get_num_threads() == 1 and max((array.nbytes for array in arrays), default=0) < ownership.MIN_BYTES
    return cost(*args) <= (LONGEST_ALONE if is_alone else LONGEST)


def _on_this_thread(function: Callable[[], Any]) -> Any:
    """What the function returns; no other thread does any of its jobs."""
    (result,) = parallel(lambda _: function(), (None,))
    return result


def _record(key: Any, kernel: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The result of a kernel, whose calls are noted meanwhile."""
    if scratch_memory().used:
        return kernel(*args)
    return _on_this_thread(partial(_run_and_record, key, kernel, args))


def _run_and_record(key: Any, kernel: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    memories = scratch_memory(), temporaries()
    temporaries().used = 0
    for memory in memories:
        memory.grow()
    before = [(memory, memory.memory, memory.peak) for memory in memories]
    for memory in memories:
        memory.peak = 0
    recorder = Recorder(arrays_among(args))
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


def arrays_among(args: tuple[Any, ...]) -> list[np.ndarray]:
    """The arrays among arguments, in their order."""
    found: list[np.ndarray] = []
    for value in args:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += arrays_among(tuple(value))
    return found
