"""A stand-in for CuPy whose kernels run on the host shim: streams, events, pinned memory, and graphs that replay launches.

Arrays are NumPy arrays with CuPy's `get` and `set`. After `install`, an operation on such an array and a NumPy array is an error,
as with CuPy. A graph holds the launches that were made while it was captured.
"""

from __future__ import annotations

import sys
import types
from types import SimpleNamespace
from typing import Any

import numpy as np

from minunet.kernels.cuda import devices
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher


class DeviceArray(np.ndarray):
    """An array in device memory, which is copied to and from host memory by `set` and `get`."""

    strict = False

    def get(self, stream: Any = None) -> np.ndarray:
        """A copy in host memory."""
        return np.array(self)

    def set(self, values: np.ndarray, stream: Any = None) -> None:
        """Fill from host memory, which must be contiguous and of the same dtype and shape, as for CuPy."""
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
    """Arrays and NumPy scalars as arrays on the device; CuPy has 0-d arrays where NumPy has scalars."""
    return np.asarray(result).view(DeviceArray) if isinstance(result, (np.ndarray, np.generic)) else result


class CapturingLauncher(HostLauncher):
    """Runs kernels at once, or records them while a stream is being captured."""

    captured: list[Any] | None = None

    def empty(self, shape: Any, dtype: Any) -> DeviceArray:
        """An array filled with 0xFF; an error during capture."""
        assert type(self).captured is None, "memory was allocated during capture"
        return super().empty(shape, dtype).view(DeviceArray)

    def launch(self, program: Any, instance: str, grid: Any, block: Any, shared_bytes: int, values: Any) -> None:
        """Run a kernel now, or when the graph is launched."""
        if type(self).captured is None:
            super().launch(program, instance, grid, block, shared_bytes, values)
        else:
            type(self).captured.append((super().launch, (program, instance, grid, block, shared_bytes, values)))

    def prepare(self, program: Any, instance: str, shared_bytes: int) -> None:
        """Build a kernel; an error during capture, when CUDA cannot load a module."""
        assert type(self).captured is None, "a kernel was loaded during capture"
        super().prepare(program, instance, shared_bytes)


class Stream:
    """A stream whose work is done at once."""

    def __init__(self, non_blocking: bool = False):
        self.events: list[Any] = []

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def synchronize(self) -> None:
        """Nothing to wait for; an error during capture."""
        assert CapturingLauncher.captured is None, "a stream was waited for during capture"

    def wait_event(self, event: Any) -> None:
        """Record which events this stream waits for."""
        self.events.append(event)

    def begin_capture(self) -> None:
        """From now on, record launches."""
        CapturingLauncher.captured = []

    def end_capture(self) -> Any:
        """The graph of the recorded launches."""
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
        """Count the calls."""
        self.recorded += 1

    def synchronize(self) -> None:
        """Nothing to wait for."""


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
        """The array itself if it is on the device and has the dtype and the order, else a copy on the device."""
        if isinstance(value, DeviceArray):
            return np.asanyarray(value, dtype=dtype, order=order)
        return _on_device(np.array(value, dtype=dtype, order=order))

    @staticmethod
    def asnumpy(value: Any) -> np.ndarray:
        """A copy in host memory."""
        return np.array(_plain(value))


def cupy(capability: str = "90") -> Any:
    """A module that stands in for CuPy, with a GPU of this compute capability."""
    module = _Module("cupy")
    module.cuda = SimpleNamespace(
        Stream=Stream,
        Event=Event,
        alloc_pinned_memory=bytearray,
        get_current_stream=lambda: Stream(),
        Device=lambda: SimpleNamespace(compute_capability=capability, id=0),
        runtime=SimpleNamespace(
            getDeviceCount=lambda: 1,
            memGetInfo=lambda: (64 << 30, 80 << 30),
            getDeviceProperties=lambda device: {"name": b"host shim", "multiProcessorCount": 1},
        ),
    )
    return module


def install(monkeypatch: Any, capability: str = "90") -> CapturingLauncher:
    """Replace CuPy by this module and the launcher of the GPU by the host shim, which is returned."""
    host = CapturingLauncher()
    monkeypatch.setitem(sys.modules, "cupy", cupy(capability))
    monkeypatch.setattr(devices, "gpu", lambda: host)
    monkeypatch.setattr(DeviceArray, "strict", True)
    return host
