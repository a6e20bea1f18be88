"""Working memory of the kernels: each thread keeps one block and hands out pieces of it, last taken first returned.

A job thus finds its buffers where the last job left them, still in the cache, and asks the system for nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

ALIGNMENT = 64  # bytes: one cache line, and one AVX-512 register

Take = Callable[..., np.ndarray]


class _Block(threading.local):
    """The memory of one thread, how much of it is taken, and how much has been wanted at once so far."""

    def __init__(self) -> None:
        self.bytes = np.empty(0, np.uint8)
        self.used = 0
        self.wanted = 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
        """An uninitialised C-contiguous array; it is valid until the `scratch` block that it was taken in ends."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        first = self.used
        # One line of distance, so that buffers of 2^k bytes do not all fall into the same sets of the cache.
        self.used += -(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT
        self.wanted = max(self.wanted, self.used)
        if self.used > self.bytes.size:
            return np.empty(shape, dtype)  # the block grows when nothing of it is in use any more
        return self.bytes[first : first + size].view(dtype).reshape(shape)


_block = _Block()


@contextmanager
def scratch() -> Iterator[Take]:
    """Within the block, `take(shape, dtype)` gives working arrays; at its end they all go back at once.

    Examples
    --------
    >>> with scratch() as take:
    ...     take((2, 3), np.float32).shape
    (2, 3)
    """
    block = _block
    before = block.used
    if before == 0 and block.wanted > block.bytes.size:
        raw = np.empty(block.wanted + ALIGNMENT, np.uint8)
        skip = -raw.ctypes.data % ALIGNMENT
        block.bytes = raw[skip : skip + block.wanted]
    try:
        yield block.take
    finally:
        block.used = before
