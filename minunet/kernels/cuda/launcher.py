"""A launcher runs kernels on one device: a GPU through CuPy, or the CPU with the host shim of the tests.

The launch code (grids, arguments, shared memory) is the same for both, so it is tested on any machine. `devices` finds the launcher
of an array.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from minunet.kernels.cuda.dtypes import DTypeLike
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap

Grid: TypeAlias = tuple[int, int, int]
Arguments: TypeAlias = "list[ctypes._SimpleCData[Any] | ctypes.Structure]"  # in the order of the kernel's parameters
MAX_GRID = (2**31 - 1, 65535, 65535)  # blocks along x, y and z that every supported GPU accepts
SHARED_WITHOUT_OPT_IN = 48 << 10  # bytes of shared memory that a kernel may use without asking for more


class Launcher(Protocol):
    """The operations that the launch code needs from a device."""

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """A C-contiguous array with unspecified content."""

    def pointer(self, array: Any) -> int:
        """The address of the first element of a C-contiguous array."""

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """The description of a four-dimensional array for `copy_box` of hopper.cuh; a kernel argument, passed by value.

        Parameters
        ----------
        pointer : int
            The address of element (0, 0, 0, 0), a multiple of 16.
        itemsize : int
            Bytes of an element: 2 for bfloat16, 4 for float32.
        shape, strides, box : four ints each, innermost axis first
            `shape` is in elements. `strides` are in bytes: the first is `itemsize`, the others are multiples of 16. `box` is the
            shape of the part that one copy brings, at most 256 along each axis; its innermost axis has 128 bytes.
        """

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments
    ) -> None:
        """Run a kernel."""

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Compile and load a kernel, so that its first launch only launches."""

    def why_not_sm_90a(self) -> str | None:
        """The reason not to use the kernels of sm_90a on this device; None where the launch code may choose them."""


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
        Blocks along x, y and z. Nothing is launched if one of them is 0.
    block : int
        Threads per block.
    arguments : sequence
        C-contiguous arrays, None for a null pointer, or ctypes values, in the order of the kernel's parameters.
    shared_bytes : int
        Dynamic shared memory of a block.

    Raises
    ------
    LookupError
        If the program declares no such instance.
    ValueError
        If the grid has more blocks than a GPU accepts.
    """
    if instance not in program.instances:
        raise LookupError(f"{program.source} declares no instance {instance}; it has {', '.join(program.instances)}")
    x, y, z = (*grid, 1, 1)[:3]
    if any(count > limit for count, limit in zip((x, y, z), MAX_GRID, strict=True)):
        raise ValueError(f"{instance} would need a grid of {(x, y, z)} blocks; use smaller images or a smaller batch")
    if min(x, y, z) < 1:
        return  # an empty batch
    values: Arguments = []
    for argument in arguments:
        if argument is None:
            values.append(ctypes.c_void_p(0))
        elif isinstance(argument, (ctypes._SimpleCData, ctypes.Structure)):
            values.append(argument)
        else:
            values.append(ctypes.c_void_p(launcher.pointer(argument)))
    launcher.launch(program, instance, (x, y, z), (block, 1, 1), shared_bytes, values)


def addresses(values: Arguments) -> ctypes.Array[ctypes.c_void_p]:
    """The addresses of kernel arguments, in the form in which CUDA and the host shim expect them."""
    return (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
