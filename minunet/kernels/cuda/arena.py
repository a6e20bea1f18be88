"""An arena: one block of device memory in which a sequence of steps finds each of its buffers at the same place every time.

It is laid out by walking the steps once without memory; what is given back on the way is handed out again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.kernels.cuda.dtypes import as_dtype
from minunet.kernels.cuda.launcher import Grid, Launcher
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap

ALIGNMENT = 256  # bytes: whole cache lines, and more than any kernel's loads need


@dataclass(frozen=True, eq=False)
class Place:
    """An array inside an arena: what launch code asks of an array, without one.

    Attributes
    ----------
    launcher : ArenaLauncher
    offset : int
        Bytes from the arena's start.
    shape : tuple of int
    dtype : numpy.dtype or BFLOAT16
    """

    launcher: ArenaLauncher
    offset: int
    shape: tuple[int, ...]
    dtype: Any

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
    """A device's launcher, for places as well as arrays; launches nothing until the arena has memory."""

    def __init__(self, device: Launcher):
        self.device = device
        self.memory: Any = None
        self._wanted: dict[tuple[str, str], tuple[Program, str, int]] = {}

    def empty(self, shape: Any, dtype: Any) -> Any:
        """An arena's steps take every buffer from the arena."""
        raise RuntimeError(
            f"a step asked for memory of its own, {tuple(shape)} {as_dtype(dtype).name}, outside of its arena"
        )

    def pointer(self, array: Any) -> int:
        """The address of a place, or of an array of the device."""
        if not isinstance(array, Place):
            return self.device.pointer(array)
        return 0 if self.memory is None else self.device.pointer(self.memory) + array.offset

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """The device's map, once there is memory; an empty one until then, when nothing is launched."""
        return TensorMap() if self.memory is None else self.device.tensor_map(pointer, itemsize, shape, strides, box)

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: list[Any]
    ) -> None:
        """Run a kernel, once there is memory; until then note which it is."""
        if self.memory is None:
            self._wanted[program.source, instance] = program, instance, shared_bytes
        else:
            self.device.launch(program, instance, grid, block, shared_bytes, values)

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Get a kernel ready."""
        self.device.prepare(program, instance, shared_bytes)

    def why_not_sm_90a(self) -> str | None:
        """As the device says."""
        return self.device.why_not_sm_90a()

    def settle(self, nbytes: int) -> None:
        """Get the memory, and every kernel that was noted ready."""
        for wanted in self._wanted.values():
            self.prepare(*wanted)
        self.memory = self.device.empty((nbytes,), np.uint8)


class Arena:
    """Takes and gives back places; the smallest that is large enough is handed out, so that large ones stay whole.

    Parameters
    ----------
    device : Launcher
        Where the memory will be.

    Attributes
    ----------
    bytes : int
        The most that was taken at once, with gaps: the size of the memory.
    """

    def __init__(self, device: Launcher):
        self.launcher = ArenaLauncher(device)
        self.bytes = 0
        self._free: list[tuple[int, int]] = []  # (offset, bytes) between taken places, ascending, never adjacent
        self._end = 0  # of the last place that is taken; all beyond is free too
        self._taken: dict[int, int] = {}

    def take(self, shape: tuple[int, ...], dtype: Any) -> Place:
        """A place for an array, with whatever an earlier one left there."""
        dtype = as_dtype(dtype)
        needed = max(-(-math.prod(shape) * dtype.itemsize // ALIGNMENT), 1) * ALIGNMENT
        fitting = [(length, k) for k, (_, length) in enumerate(self._free) if length >= needed]
        if fitting:
            length, k = min(fitting)
            offset, _ = self._free[k]
            self._free[k : k + 1] = [(offset + needed, length - needed)] if length > needed else []
        else:
            offset, self._end = self._end, self._end + needed
        self.bytes = max(self.bytes, self._end)
        if self.launcher.memory is not None and self._end > self.launcher.memory.nbytes:
            raise RuntimeError("a step took more from its arena than when it was laid out")
        self._taken[offset] = needed
        return Place(self.launcher, offset, tuple(shape), dtype)

    def give(self, *places: Place) -> None:
        """Give places back."""
        for place in places:
            if place.offset not in self._taken:
                raise ValueError(f"the place at {place.offset} was not taken, or given back before")
            self._free.append((place.offset, self._taken.pop(place.offset)))
        self._free.sort()
        joined: list[tuple[int, int]] = []
        for offset, length in self._free:
            if joined and sum(joined[-1]) == offset:
                offset, length = joined[-1][0], joined.pop()[1] + length
            joined.append((offset, length))
        if joined and sum(joined[-1]) == self._end:
            self._end, _ = joined.pop()
        self._free = joined

    def settle(self) -> None:
        """Get the memory; from now on launches run."""
        self.launcher.settle(self.bytes)

    def array(self, place: Place) -> Any:
        """The device's array at a place of a type that NumPy knows."""
        return self.launcher.memory[place.offset : place.offset + place.nbytes].view(place.dtype).reshape(place.shape)

    @property
    def taken(self) -> int:
        """Bytes taken now."""
        return sum(self._taken.values())
