"""A stand-in for CuPy whose kernels run on the host shim: streams, events, pinned memory, and graphs that replay launches.

Arrays are NumPy's with CuPy's `get` and `set`, and once `install`ed they refuse to meet NumPy's, as CuPy's do. A graph holds the
launches that were made while it was captured.
"""

from __future__ import annotations

import sys
import types
from types import SimpleNamespace
from typing import Any

import numpy as np

from minunet.kernels.cuda import launcher
from tests.cuda_on_cpu.host import HostLauncher


class DeviceArray(np.ndarray):
    """Memory that is copied to and from by name."""

    strict = False

    def get(self, stream: Any = None) -> np.ndarray:
        """A copy in host memory."""
        return np.array(self)

    def set(self, values: np.ndarray, stream: Any = None) -> None:
        """Filled from host memory, which CuPy wants in one piece and of the same type."""
        assert values.flags.c_contiguous and values.dtype == self.dtype and values.shape == self.shape
        super().__setitem__(..., values)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._refuse(index, value)
        super().__setitem__(index, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        self._refuse(*inputs, *out)
        if out:
            options["out"] = tuple(_plain(array) for array in out)
        result = getattr(ufunc, method)(*map(_plain, inputs), **options)
        return out[0] if out else _on_device(result)

    def _refuse(self, *values: Any) -> None:
        if self.strict and any(type(value) is np.ndarray and value.ndim for value in values):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, DeviceArray) else value


def _on_device(result: Any) -> Any:
    """Arrays and NumPy's scalars as CuPy has them: on the device, 0-d where NumPy has scalars."""
    return np.asarray(result).view(DeviceArray) if isinstance(result, (np.ndarray, np.generic)) else result


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


class _Module(types.ModuleType):
    ndarray = DeviceArray

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(np, name)
        if isinstance(value, type) or not callable(value):
            return value

        def run(*args: Any, **options: Any) -> Any:
            for argument in args:
                for item in argument if isinstance(argument, (tuple, list)) else (argument,):
                    if isinstance(item, np.ndarray) and not isinstance(item, DeviceArray) and item.ndim:
                        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
            return _on_device(value(*args, **options))

        return run

    @staticmethod
    def asarray(value: Any, dtype: Any = None, order: str | None = None) -> DeviceArray:
        """The array itself where it is on the device already, of the type and in the order, else a copy there."""
        if isinstance(value, DeviceArray):
            return np.asanyarray(value, dtype=dtype, order=order)
        return _on_device(np.array(value, dtype=dtype, order=order))

    @staticmethod
    def asnumpy(value: Any) -> np.ndarray:
        """A copy in host memory."""
        return np.array(_plain(value))


def cupy(capability: str = "90") -> Any:
    """The module."""
    made = _Module("cupy")
    made.cuda = SimpleNamespace(
        Stream=Stream,
        Event=Event,
        alloc_pinned_memory=bytearray,
        get_current_stream=lambda: Stream(),
        Device=lambda: SimpleNamespace(compute_capability=capability, id=0),
        runtime=SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda device: {"name": b"host shim", "multiProcessorCount": 1},
        ),
    )
    return made


def install(monkeypatch: Any, capability: str = "90") -> CapturingLauncher:
    """Put the module in place of CuPy and the host shim in place of the GPU's launcher, which is returned."""
    host = CapturingLauncher()
    monkeypatch.setitem(sys.modules, "cupy", cupy(capability))
    monkeypatch.setattr(launcher, "gpu", lambda: host)
    monkeypatch.setattr(DeviceArray, "strict", True)
    return host
