"""An arena: one block of device memory for all buffers of a fixed sequence of launches.

The launches are recorded once without memory. This gives each buffer its offset; memory that was freed is used again. A CUDA graph
can then repeat the sequence, because each buffer keeps its address.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.kernels.cuda.dtypes import DType, DTypeLike, as_dtype
from minunet.kernels.cuda.launcher import Arguments, Grid, Launcher
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap

ALIGNMENT = 256  # bytes: whole cache lines, and more than any load of a kernel needs


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array in an arena. It has the attributes that launch code reads from an array, but no memory of its own.

    Attributes
    ----------
    launcher : ArenaLauncher
    offset : int
        Bytes from the start of the arena.
    shape : tuple of int
    dtype : numpy.dtype or BFLOAT16
    """

    launcher: ArenaLauncher
    offset: int
    shape: tuple[int, ...]
    dtype: DType

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self.size * self.dtype.itemsize


class ArenaLauncher:
    """The launcher of a device, for buffers as well as arrays. It runs nothing before the arena has memory."""

    def __init__(self, device: Launcher):
        self.device = device
        self.memory: Any = None
        self._recorded: dict[tuple[str, str], tuple[Program, str, int]] = {}

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """Not possible: the steps of an arena allocate every buffer from the arena."""
        raise RuntimeError(f"a step allocated {tuple(shape)} {as_dtype(dtype).name} outside of its arena")

    def pointer(self, array: Any) -> int:
        """The address of a buffer, or of an array of the device."""
        if not isinstance(array, Buffer):
            return self.device.pointer(array)
        return 0 if self.memory is None else self.device.pointer(self.memory) + array.offset

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """The tensor map of the device. Before there is memory, when nothing runs, an empty one."""
        return TensorMap() if self.memory is None else self.device.tensor_map(pointer, itemsize, shape, strides, box)

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments
    ) -> None:
        """Run a kernel. Before there is memory, only record which kernel it is."""
        if self.memory is None:
            self._recorded[program.source, instance] = program, instance, shared_bytes
        else:
            self.device.launch(program, instance, grid, block, shared_bytes, values)

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Compile and load a kernel."""
        self.device.prepare(program, instance, shared_bytes)

    def why_not_sm_90a(self) -> str | None:
        """As the device."""
        return self.device.why_not_sm_90a()

    def commit(self, nbytes: int) -> None:
        """Allocate the memory, and prepare every recorded kernel."""
        for kernel in self._recorded.values():
            self.prepare(*kernel)
        self.memory = self.device.empty((nbytes,), np.dtype(np.uint8))


class Arena:
    """Allocates and frees buffers by best fit: the smallest free range that is large enough is used.

    Parameters
    ----------
    device : Launcher
        Where the memory will be.

    Attributes
    ----------
    launcher : ArenaLauncher
    nbytes : int
        The size of the memory: the largest number of bytes in use at one time, with the gaps between them.
    """

    def __init__(self, device: Launcher):
        self.launcher = ArenaLauncher(device)
        self.nbytes = 0
        self._free: list[tuple[int, int]] = []  # (offset, bytes) of free ranges, ascending, never adjacent
        self._end = 0  # of the last buffer; all memory after it is free too
        self._used: dict[int, int] = {}  # bytes by offset

    def alloc(self, shape: Sequence[int], dtype: DTypeLike) -> Buffer:
        """A buffer with unspecified content.

        Raises
        ------
        RuntimeError
            If the arena has its memory already and this buffer does not fit into it.
        """
        dtype = as_dtype(dtype)
        needed = max(-(-math.prod(shape) * dtype.itemsize // ALIGNMENT), 1) * ALIGNMENT
        large_enough = [(length, k) for k, (_, length) in enumerate(self._free) if length >= needed]
        if large_enough:
            length, k = min(large_enough)
            offset, _ = self._free[k]
            self._free[k : k + 1] = [(offset + needed, length - needed)] if length > needed else []
        else:
            offset, self._end = self._end, self._end + needed
        self.nbytes = max(self.nbytes, self._end)
        if self.launcher.memory is not None and self._end > self.launcher.memory.nbytes:
            raise RuntimeError("a step allocates more from its arena than when the arena was laid out")
        self._used[offset] = needed
        return Buffer(self.launcher, offset, tuple(shape), dtype)

    def free(self, *buffers: Buffer) -> None:
        """Free buffers, so that their memory can be allocated again.

        Raises
        ------
        ValueError
            If a buffer is not allocated.
        """
        for buffer in buffers:
            if buffer.offset not in self._used:
                raise ValueError(f"the buffer at {buffer.offset} is not allocated, or was freed before")
            self._free.append((buffer.offset, self._used.pop(buffer.offset)))
        self._free.sort()
        merged: list[tuple[int, int]] = []
        for offset, length in self._free:
            if merged and sum(merged[-1]) == offset:
                offset, length = merged[-1][0], merged.pop()[1] + length
            merged.append((offset, length))
        if merged and sum(merged[-1]) == self._end:
            self._end, _ = merged.pop()
        self._free = merged

    def commit(self) -> None:
        """Allocate the memory on the device. From now on launches run."""
        self.launcher.commit(self.nbytes)

    def array(self, buffer: Buffer) -> Any:
        """The array of the device that a buffer stands for; its dtype must be one that NumPy knows."""
        memory = self.launcher.memory[buffer.offset : buffer.offset + buffer.nbytes]
        return memory.view(buffer.dtype).reshape(buffer.shape)

    @property
    def allocated(self) -> int:
        """Bytes that are allocated now."""
        return sum(self._used.values())
