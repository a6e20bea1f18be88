"""The launcher that runs kernels on the CPU: NumPy arrays, kernels built with g++ and the host shim, called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.kernels.cuda.launcher import addresses
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap
from tests.cuda_on_cpu.build import build

LAZY, EAGER = 0, 1
SCHEDULES = {"lazy": LAZY, "eager": EAGER}


class KernelFault(AssertionError):
    """The shim saw a kernel do what hardware would hang or fault on."""


class Library:
    """The kernels of one built file."""

    def __init__(self, path: Path, instances: Sequence[str]):
        self._library = ctypes.CDLL(str(path))
        self._functions = {}
        for k, instance in enumerate(instances):
            function = getattr(self._library, f"kernel_{k}")
            function.restype = ctypes.c_int
            self._functions[instance] = function

    def launch(self, instance: str, grid, block, shared_bytes: int, values: list[Any], schedule: int) -> None:
        """Run one kernel to its end.

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
    """Runs programs under one schedule; counts the launches of each instance, so that a test can see what ran."""

    def __init__(self, schedule: int = LAZY, *, sanitize: bool = False, sm_90a: bool = False):
        self.schedule, self.sanitize, self.sm_90a = schedule, sanitize, sm_90a
        self.launches: dict[tuple[str, str], int] = {}
        self._libraries: dict[tuple[str, tuple[str, ...]], Library] = {}

    def empty(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """An array of poison: every byte 0xFF, a NaN in each floating-point type."""
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
        """The map as the shim's `copy_box` reads it, which also checks it as the driver would."""
        return TensorMap((pointer, *shape, *strides, *box, itemsize))

    def launch(self, program: Program, instance: str, grid, block, shared_bytes: int, values: list[Any]) -> None:
        """Run a kernel to its end."""
        key = program.source, instance
        self.launches[key] = self.launches.get(key, 0) + 1
        self._library(program, instance).launch(instance, grid, block, shared_bytes, values, self.schedule)

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Build a kernel."""
        self._library(program, instance)

    def why_not_sm_90a(self) -> str | None:
        """As the test asked."""
        return None if self.sm_90a else "the test does without wgmma"

    def _library(self, program: Program, instance: str) -> Library:
        # With AddressSanitizer, which compiles slowly, only the instances of one type.
        together = tuple(i for i in program.instances if "float" in i) if self.sanitize else program.instances
        if (program.source, together) not in self._libraries:
            built = build(program.path, list(together), sanitize=self.sanitize)
            self._libraries[program.source, together] = Library(built, together)
        return self._libraries[program.source, together]
