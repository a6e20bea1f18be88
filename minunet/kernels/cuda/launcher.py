"""A launcher runs kernels on arrays: CuPy's on a GPU, or the host shim's in the tests.

The launch code above it (grids, arguments, shared memory) is the same for both, so that it is tested on any machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap
from minunet.kernels.dispatch import without_choice_cache

Grid = tuple[int, int, int]
MAX_GRID = (2**31 - 1, 65535, 65535)  # blocks along x, y and z that any supported GPU accepts
SHARED_WITHOUT_OPT_IN = 48 << 10  # bytes of shared memory a kernel may have without asking for more


class Launcher(Protocol):
    """What the launch code needs of a device."""

    def empty(self, shape: Sequence[int], dtype: Any) -> Any:
        """A C-contiguous array with unspecified content."""

    def pointer(self, array: Any) -> int:
        """The address of a C-contiguous array's first element."""

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """How `copy_box` of hopper.cuh finds its boxes in an array of four axes; a kernel's argument, by value.

        Parameters
        ----------
        pointer : int
            The address of element (0, 0, 0, 0), a multiple of 16.
        itemsize : int
            Bytes of an element: 2 for bfloat16, 4 for float32.
        shape, strides, box : four ints each, innermost axis first
            Extents in elements; distances in bytes, the first being `itemsize` and the others multiples of 16; the extents of the
            box that one copy brings, at most 256 each, the first of 128 bytes.
        """

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: list[Any]
    ) -> None:
        """Run a kernel; `values` are ctypes values in the order of its parameters."""

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Get a kernel ready, so that its first launch does nothing but launch."""

    def why_not_sm_90a(self) -> str | None:
        """None where the launch code shall choose the kernels of sm_90a where they suit, else the reason."""


_IN_USE: list[Launcher] = []


@contextlib.contextmanager
def use(launcher: Launcher) -> Iterator[None]:
    """Within the block, send NumPy arrays through the CUDA launch code to this launcher; the tests use it."""
    _IN_USE.append(launcher)
    try:
        with without_choice_cache():
            yield
    finally:
        _IN_USE.pop()


def serves(array: Any) -> bool:
    """Whether CUDA kernels can take this array: it is a CuPy array, or a launcher is in use for NumPy arrays."""
    return bool(_IN_USE) or _is_cupy(array)


def launcher_for(*arrays: Any) -> Launcher:
    """The launcher of the device that the arrays are on; a place in an arena knows its own."""
    for array in arrays:
        own = getattr(array, "launcher", None)
        if own is not None:
            return own
    return gpu() if _is_cupy(arrays[0]) else _IN_USE[-1]


@functools.cache
def gpu() -> Launcher:
    """The GPU's launcher, one for all, so that each kernel is loaded once."""
    from minunet.kernels.cuda.gpu_launcher import GpuLauncher

    return GpuLauncher()


def run(
    launcher: Launcher,
    program: Program,
    instance: str,
    *,
    grid: tuple[int, ...],
    block: int,
    arguments: Sequence[Any],
    shared_bytes: int = 0,
) -> None:
    """Launch one instance of a program.

    Parameters
    ----------
    grid : tuple of up to three ints
        Blocks along x, y and z.
    block : int
        Threads per block.
    arguments : sequence
        Arrays (C-contiguous), None for a null pointer, or ctypes values, in the kernel's order.
    """
    if instance not in program.instances:
        raise LookupError(f"{program.source} declares no instance {instance}; it has {', '.join(program.instances)}")
    full = (*grid, 1, 1)[:3]
    if any(n > most for n, most in zip(full, MAX_GRID, strict=True)):
        raise ValueError(f"{instance} would need a grid of {full} blocks; use smaller images or a smaller batch")
    if min(full) < 1:
        return  # an empty batch
    values = []
    for argument in arguments:
        if argument is None:
            values.append(ctypes.c_void_p(0))
        elif isinstance(argument, (ctypes._SimpleCData, ctypes.Structure)):
            values.append(argument)
        else:
            values.append(ctypes.c_void_p(launcher.pointer(argument)))
    launcher.launch(program, instance, full, (block, 1, 1), shared_bytes, values)


def addresses(values: list[Any]) -> Any:
    """The array of addresses, one per parameter, from which both CUDA and the host shim read a kernel's parameters."""
    return (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))


def _is_cupy(array: Any) -> bool:
    cupy = sys.modules.get("cupy")  # a CuPy array cannot exist before CuPy was imported
    return cupy is not None and isinstance(array, cupy.ndarray)
