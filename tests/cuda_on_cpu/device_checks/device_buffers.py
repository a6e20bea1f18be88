"""Buffers on a device that hold values of a precision: filled from NumPy, and read back."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.kernels.cuda.arena import Arena, Buffer
from minunet.kernels.cuda.dtypes import BFLOAT16
from tests.cuda_on_cpu.device_checks.rounding import from_bf16, to_bf16, to_tf32

DTYPES = {"bf16": BFLOAT16, "tf32": np.dtype(np.float32)}


class DeviceBuffers:
    """Buffers in an arena on a device, filled from NumPy and read back.

    Parameters
    ----------
    device
        See `tests.cuda_on_cpu.device_checks`.
    precision : {"bf16", "tf32"}
    """

    def __init__(self, device: Any, precision: str):
        self.device, self.precision, self.arena = device, precision, Arena(device.launcher)
        self._content: list[tuple[Buffer, np.ndarray]] = []

    def filled(self, values: np.ndarray, dtype: Any = None) -> tuple[Buffer, np.ndarray]:
        """A buffer that will hold the values, rounded to the precision or in `dtype`; and what it holds, in float64."""
        if dtype is None:
            bits = to_bf16(values) if self.precision == "bf16" else to_tf32(values)
            exact = from_bf16(bits) if self.precision == "bf16" else bits
        else:
            bits = exact = values.astype(dtype)
        buffer = self.empty(values.shape, dtype)
        self._content.append((buffer, bits))
        return buffer, exact.astype(np.float64)

    def empty(self, shape: tuple[int, ...], dtype: Any = None) -> Buffer:
        """A buffer for results."""
        return self.arena.alloc(shape, DTYPES[self.precision] if dtype is None else dtype)

    def commit(self) -> None:
        """Allocate the memory, set every byte to 0xFF, and fill the buffers."""
        self.arena.commit()
        self.arena.launcher.memory[...] = 0xFF
        for buffer, bits in self._content:
            self._bytes(buffer)[...] = self.device.put(np.ascontiguousarray(bits).view(np.uint8).reshape(-1))

    def read(self, buffer: Buffer) -> np.ndarray:
        """The content of a buffer: integers as they are, else float64."""
        raw = np.ascontiguousarray(self.device.get(self._bytes(buffer)))
        if buffer.dtype is BFLOAT16:
            return from_bf16(raw.view(np.uint16)).astype(np.float64).reshape(buffer.shape)
        values = raw.view(buffer.dtype).reshape(buffer.shape)
        return values if values.dtype.kind == "u" else values.astype(np.float64)

    def _bytes(self, buffer: Buffer) -> Any:
        return self.arena.launcher.memory[buffer.offset : buffer.offset + buffer.nbytes]
