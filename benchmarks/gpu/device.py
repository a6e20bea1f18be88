"""The GPU as a device for the checks and benchmarks: copies arrays to it and back, and times work by its own clock.

`tests.cuda_on_cpu.shim.host_device.HostDevice` is the same without a GPU.
"""

from __future__ import annotations

import contextlib
import re
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.kernels.cuda import devices


class Gpu:
    """The current CUDA device through CuPy."""

    def __init__(self) -> None:
        import cupy

        self.cupy = cupy
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        self.name = properties["name"].decode()
        self.multiprocessors = properties["multiProcessorCount"]
        self.launcher = devices.launcher_for(cupy.empty(1))

    @property
    def figures_name(self) -> str:
        """The name of the file of its figures, without the suffix: "gpu_" and its own name in lower case."""
        return "gpu_" + re.sub(r"[^A-Za-z0-9]+", "_", self.name).strip("_").lower()

    @property
    def about(self) -> dict[str, Any]:
        """What its figures begin with."""
        return {"gpu": self.name, "multiprocessors": self.multiprocessors}

    def use(self) -> contextlib.AbstractContextManager[Any]:
        """A block in which arrays of this device are computed with CUDA kernels; CuPy arrays always are."""
        return contextlib.nullcontext()

    def put(self, array: Any) -> Any:
        """The array on the device."""
        return self.cupy.asarray(array)

    def get(self, array: Any) -> np.ndarray:
        """The array in host memory."""
        return self.cupy.asnumpy(array)

    def milliseconds(self, work: Callable[[], object], *, rounds: int = 10, repeat: int = 10) -> float:
        """The median time of `work`, run `repeat` times in a CUDA graph, so that there are no gaps between launches."""
        stream = self.cupy.cuda.Stream(non_blocking=True)
        self.cupy.cuda.get_current_stream().synchronize()
        with stream:
            work()
            stream.synchronize()
            stream.begin_capture()
            for _ in range(repeat):
                work()
            graph = stream.end_capture()
            graph.launch(stream)
            times = []
            for _ in range(rounds):
                start, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
                start.record(stream)
                graph.launch(stream)
                end.record(stream)
                end.synchronize()
                times.append(self.cupy.cuda.get_elapsed_time(start, end) / repeat)
        return statistics.median(times)
