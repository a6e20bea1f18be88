"""The host shim as a device for the checks that run on any device, and for the benchmark's own code where there is no GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from minunet.kernels.cuda import devices
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, HostLauncher


class HostDevice:
    """The CPU in place of a GPU; has what `benchmarks.gpu.device.Gpu` has. Its times mean nothing.

    Parameters
    ----------
    schedule : {"lazy", "eager"}
    sm_90a : bool
        Whether the launch code may choose the kernels of sm_90a.
    """

    name = "host shim"
    multiprocessors = 1

    def __init__(self, schedule: str = "lazy", *, sm_90a: bool = False) -> None:
        self.schedule = schedule
        self.launcher = HostLauncher(SCHEDULES[schedule], sm_90a=sm_90a)

    def use(self) -> contextlib.AbstractContextManager[Any]:
        """A block in which NumPy arrays are computed with CUDA kernels."""
        return devices.use(self.launcher)

    def put(self, array: Any) -> Any:
        """The array itself."""
        return array

    def get(self, array: Any) -> np.ndarray:
        """The array itself."""
        return np.asarray(array)

    def milliseconds(self, work: Callable[[], object], *, rounds: int = 10, repeat: int = 10) -> float:
        """Run `work` once; the result is always 1."""
        work()
        return 1.0
