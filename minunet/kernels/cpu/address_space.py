"""An address space: a range of addresses for memory. The system provides each page of it when it is first written to, and takes
pages back when it is asked to.

Arrays that come and go in one such range leave gaps that merge with their neighbours, whatever was stored there before.
"""

from __future__ import annotations

import functools
import os
import sys
from contextlib import suppress

import numpy as np

from minunet.resources import total_memory

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register (AVX-512)
FIRST_HUGE = 1 << 22  # bytes; in the memory of a small program, huge pages (2 MB) would be mostly unused
MAP_NORESERVE = 0x4000  # of Linux on the processors below; Python's `mmap` has it from version 3.13 on
PROCESSORS = ("x86_64", "aarch64", "riscv64")


class AddressSpace:
    """Some bytes of uninitialised memory, aligned to a cache line; a forked child gets a copy of its own.

    Attributes
    ----------
    memory : memoryview
    gives_back_parts : bool
        Whether `give_back` does anything; else the memory goes back as a whole, when nobody refers to it.
    """

    gives_back_parts = False

    def __init__(self, size: int):
        memory = np.empty(size + ALIGNMENT, np.uint8)
        offset = -memory.ctypes.data % ALIGNMENT
        # NumPy makes a view of a view refer to the array at the bottom. Through a memoryview every block is a bottom of
        # its own, so that one can tell whether this block is in use.
        self.memory = memory[offset : offset + size].data

    def give_back(self, start: int, stop: int) -> None:
        """Give whole pages among these bytes, whose contents are lost, back to the system."""


class LargeAddressSpace(AddressSpace):
    """A range that may be larger than the memory of the machine: most of its pages are never written to."""

    gives_back_parts = True

    def __init__(self, size: int):
        import mmap  # not when minunet is imported, which is to take no time

        # Pages that the system does not count before they are written to, also when the process forks.
        self._mmap = mmap
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
        self.memory = memoryview(self._map)
        if size > FIRST_HUGE:
            with suppress(OSError):  # a kernel without them
                self._map.madvise(mmap.MADV_HUGEPAGE, FIRST_HUGE)  # which are provided faster

    def give_back(self, start: int, stop: int) -> None:
        page = self._mmap.PAGESIZE
        start, stop = -(-start // page) * page, stop // page * page
        if start < stop:
            self._map.madvise(self._mmap.MADV_DONTNEED, start, stop - start)


def address_space(size: int, most: int = sys.maxsize) -> AddressSpace:
    """A range of at least `size` bytes: where unused addresses are free as much as the machine has, but not more than `most`.

    Raises
    ------
    MemoryError
        If the system refuses `size` bytes.
    """
    largest = min(most, free_addresses())
    if size < largest:
        try:
            return LargeAddressSpace(largest // ALIGNMENT * ALIGNMENT)
        except OSError:
            pass
    return AddressSpace(size)


@functools.cache
def free_addresses() -> int:
    """How many bytes of addresses a range may have without taking memory; asked once, since a dozen files of the system say it."""
    return (total_memory() or 0) if are_addresses_free() else 0


def are_addresses_free() -> bool:
    """Whether addresses count for nothing before they are written to: on Linux, without limits on addresses."""
    if sys.platform != "linux" or sys.maxsize < 2**32 or os.uname().machine not in PROCESSORS:
        return False
    import resource

    limits = (resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        return False
    try:
        with open("/proc/sys/vm/overcommit_memory", encoding="utf-8") as file:
            return file.read().strip() in ("0", "1")
    except OSError:
        return False
