"""A stand-in for the few things of CuPy that a captured step uses: streams, events, pinned memory, and graphs that replay launches.

Arrays are NumPy's with CuPy's `get` and `set`. A graph holds the launches that were made while it was captured.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from cuda_on_cpu.host import HostLauncher


class DeviceArray(np.ndarray):
    """Memory that is copied to and from by name."""

    def get(self, stream: Any = None) -> np.ndarray:
        """A copy in host memory."""
        return np.array(self)

    def set(self, values: np.ndarray, stream: Any = None) -> None:
        """Filled from host memory, which CuPy wants in one piece and of the same type."""
        assert values.flags.c_contiguous and values.dtype == self.dtype and values.shape == self.shape
        self[...] = values


class CapturingLauncher(HostLauncher):
    """Runs kernels at once, or notes them while a stream is being captured."""

    captured: list[Any] | None = None

    def empty(self, shape: Any, dtype: Any) -> DeviceArray:
        """Memory of poison."""
        assert type(self).captured is None, "memory was asked for during capture"
        return super().empty(shape, dtype).view(DeviceArray)

    def launch(self, program, instance, grid, block, shared_bytes, values) -> None:
        """Now, or when the graph is launched."""
        if type(self).captured is None:
            super().launch(program, instance, grid, block, shared_bytes, values)
        else:
            type(self).captured.append((super().launch, (program, instance, grid, block, shared_bytes, values)))

    def prepare(self, program, instance, shared_bytes) -> None:
        """Not possible during capture, as loading a module is not."""
        assert type(self).captured is None, "a kernel was loaded during capture"
        super().prepare(program, instance, shared_bytes)


class Stream:
    """Work on it is done at once."""

    def __init__(self, non_blocking: bool = False):
        self.events: list[Any] = []

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def synchronize(self) -> None:
        """Nothing is left to wait for."""
        assert CapturingLauncher.captured is None, "a stream was waited for during capture"

    def wait_event(self, event: Any) -> None:
        """Note which events this stream waits for."""
        self.events.append(event)

    def begin_capture(self) -> None:
        """From now on launches are noted."""
        CapturingLauncher.captured = []

    def end_capture(self) -> Any:
        """The graph of what was noted."""
        work, CapturingLauncher.captured = CapturingLauncher.captured, None

        def replay(stream: Any) -> None:
            for launch, arguments in work:
                launch(*arguments)

        return SimpleNamespace(launch=replay, launches=len(work))


class Event:
    """A point in a stream."""

    def __init__(self, disable_timing: bool = False):
        self.recorded = 0

    def record(self, stream: Any) -> None:
        """Count how often."""
        self.recorded += 1

    def synchronize(self) -> None:
        """Everything is done already."""


def cupy() -> Any:
    """The module."""
    cuda = SimpleNamespace(
        Stream=Stream, Event=Event, alloc_pinned_memory=bytearray, get_current_stream=lambda: Stream()
    )
    return SimpleNamespace(
        cuda=cuda,
        ndarray=DeviceArray,
        empty=lambda *args: np.empty(*args).view(DeviceArray),
        zeros_like=np.zeros_like,
    )
