"""The launcher of the host shim: arrays are NumPy's; kernels are built with g++ and called through ctypes."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.kernels import dispatch
from minunet.kernels.cuda import devices
from minunet.kernels.cuda.launcher import Arguments, Grid, addresses
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap
from tests.cuda_on_cpu.shim.build import build

LAZY, EAGER = 0, 1
SCHEDULES = {"lazy": LAZY, "eager": EAGER}


class KernelFault(AssertionError):
    """A kernel did something on which hardware would hang or fail."""


class Library:
    """The kernels of one built file."""

    def __init__(self, path: Path, instances: Sequence[str]):
        self._library = ctypes.CDLL(str(path))
        self._functions = {}
        for k, instance in enumerate(instances):
            function = getattr(self._library, f"kernel_{k}")
            function.restype = ctypes.c_int
            self._functions[instance] = function

    def launch(
        self, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments, schedule: int
    ) -> None:
        """Run one kernel.

        Raises
        ------
        KernelFault
            On a deadlock, diverged threads, or a misaligned access.
        """
        message = ctypes.create_string_buffer(600)
        failed = self._functions[instance](
            (ctypes.c_uint * 3)(*grid),
            (ctypes.c_uint * 3)(*block),
            ctypes.c_size_t(shared_bytes),
            addresses(values),
            ctypes.c_int(schedule),
            message,
            ctypes.c_size_t(len(message)),
        )
        if failed:
            raise KernelFault(f"{instance}: {message.value.decode()}")


class HostLauncher:
    """Runs programs under one schedule, and counts the launches of each instance.

    Parameters
    ----------
    schedule : {LAZY, EAGER}
        See `tests.cuda_on_cpu.shim`.
    sanitize : bool
        Build with AddressSanitizer, whose library the process must have loaded first.
    sm_90a : bool
        Allow the kernels of sm_90a.

    Attributes
    ----------
    launches : dict
        From (program, instance) to the number of launches.
    """

    def __init__(self, schedule: int = LAZY, *, sanitize: bool = False, sm_90a: bool = False):
        self.schedule, self.sanitize, self.sm_90a = schedule, sanitize, sm_90a
        self.launches: dict[tuple[str, str], int] = {}
        self._libraries: dict[tuple[str, tuple[str, ...]], Library] = {}

    def empty(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """An array in which every byte is 0xFF, a NaN in each floating-point type."""
        array = np.empty(shape, dtype)
        array.reshape(-1).view(np.uint8)[...] = 0xFF
        return array

    def pointer(self, array: np.ndarray) -> int:
        """The address of the first element."""
        if not array.flags.c_contiguous:
            raise KernelFault(f"a kernel was given an array of shape {array.shape} that is not C-contiguous")
        return array.ctypes.data

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """A tensor map for the `copy_box` of the shim, which checks it as the driver would."""
        return TensorMap((pointer, *shape, *strides, *box, itemsize))

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments
    ) -> None:
        """Run a kernel."""
        key = program.source, instance
        self.launches[key] = self.launches.get(key, 0) + 1
        self._library(program, instance).launch(instance, grid, block, shared_bytes, values, self.schedule)

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Build a kernel."""
        self._library(program, instance)

    def why_not_sm_90a(self) -> str | None:
        """Whatever the test chose."""
        return None if self.sm_90a else "the test does without wgmma"

    def _library(self, program: Program, instance: str) -> Library:
        # With AddressSanitizer, compilation is slow: only the instances of one type.
        instances = tuple(i for i in program.instances if "float" in i) if self.sanitize else program.instances
        if (program.source, instances) not in self._libraries:
            built = build(program.path, list(instances), sanitize=self.sanitize)
            self._libraries[program.source, instances] = Library(built, instances)
        return self._libraries[program.source, instances]


@contextlib.contextmanager
def cuda_on_cpu(schedule: str = "lazy", prefer: str = "cuda") -> Iterator[HostLauncher]:
    """Within the block the primitives run CUDA kernels on the host shim; yields the launcher, which counts launches."""
    host = HostLauncher(SCHEDULES[schedule])
    with devices.use(host), dispatch.prefer(prefer):
        yield host
