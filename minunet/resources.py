"""Resources: the processor cores and the memory that this process may use, as the system and its container say.

A container (Docker, Kubernetes, a batch system) limits both with control groups; versions 1 and 2 of them are read.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence

ROOT = "/"

_sharing = (1, 1)  # how many processes there are for each core, and in all, while processes work together


def usable_cpus() -> int:
    """The number of cores that this process may use: its affinity, or the quota of its container where that is less.

    A quota of one and a half cores counts as two. Processes that work together divide the cores (see `share_cores`).
    """
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):  # Linux
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    for_each_core, processes = _sharing
    quota = cpu_quota(ROOT)
    return max(1, min((count or 1) // for_each_core, math.ceil(quota / processes) if quota else sys.maxsize))


def share_cores(processes: Sequence[Collection[int]]) -> None:
    """From now on this process uses its share of the cores, as some processes of this machine work together.

    Parameters
    ----------
    processes : sequence of collections of int
        For each of the processes, this one among them, the numbers of the cores that it may run on, or nothing where the system
        does not say. Processes with cores of their own, as when a launcher binds them, keep these.
    """
    global _sharing
    cores = set().union(*processes)
    for_each_core = math.ceil(sum(map(len, processes)) / len(cores)) if cores else len(processes)
    _sharing = for_each_core, len(processes)


def total_memory() -> int | None:
    """Bytes of memory of this machine, or of the container where that is less; None where the system does not say."""
    sizes = [_physical_memory(), *(limit for limit, _ in _memory_limits(ROOT))]
    return min((size for size in sizes if size), default=None)


def available_memory() -> int | None:
    """Bytes that this process can still allocate without swapping; None where the system does not say (macOS)."""
    system = _available_of_system(ROOT)
    if system is None:
        return None
    return max(0, min([system, *(limit - used() for limit, used in _memory_limits(ROOT))]))


def release_freed_memory() -> None:
    """Give memory that was freed back to the system, where the C library keeps it for later (glibc)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def cpu_quota(root: str | os.PathLike[str] = ROOT) -> float | None:
    """The number of cores whose time the container may use, which need not be whole; None without a limit.

    Read once: the kernels ask for the number of cores at every call.

    Parameters
    ----------
    root : path
        Where /proc and /sys are found.
    """
    quotas = []
    for folder in _control_groups("cpu", root):
        words = _text(folder, "cpu.max").split()  # version 2: "150000 100000"
        if len(words) != 2:
            words = [_text(folder, "cpu.cfs_quota_us"), _text(folder, "cpu.cfs_period_us")]
        quota, period = words
        if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):  # not "max" or "-1"
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _memory_limits(root: str | os.PathLike[str]) -> list[tuple[int, Callable[[], int]]]:
    """The limit of every control group around this process that has one, and a function that returns the bytes in use there."""
    limits: list[tuple[int, Callable[[], int]]] = []
    for folder in _control_groups("memory", root):
        for limit_file, use_file, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit = _text(folder, limit_file)
            if limit.isdecimal():
                limits.append((int(limit), functools.partial(_used_memory, folder, use_file, cache)))
    return limits


def _used_memory(folder: str, use_file: str, cache: str) -> int:
    """Bytes that a control group uses. Pages of files that were read count, but the system gives them up when memory is short."""
    used = _text(folder, use_file)
    return max(0, int(used) - (_field(folder, "memory.stat", cache) or 0)) if used.isdecimal() else 0


def _control_groups(controller: str, root: str | os.PathLike[str]) -> Iterator[str]:
    """The folders of the control groups around this process that can limit it: its own first, then those that hold it."""
    for line in _text(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount = os.path.join(root, "sys/fs/cgroup")  # version 2
        elif controller in controllers.split(","):
            mount = os.path.join(root, "sys/fs/cgroup", controller)  # version 1
        else:
            continue
        names = [name for name in path.split("/") if name]
        for count in range(len(names), -1, -1):
            yield os.path.join(mount, *names[:count])


def _physical_memory() -> int | None:
    if sys.platform == "win32":
        return _windows_memory()[0]
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _available_of_system(root: str | os.PathLike[str]) -> int | None:
    if sys.platform == "win32":
        return _windows_memory()[1]
    kilobytes = _field(root, "proc/meminfo", "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _windows_memory() -> tuple[int | None, int | None]:
    """Physical and available bytes, from GlobalMemoryStatusEx."""
    if sys.platform == "win32":
        status = (ctypes.c_uint64 * 8)()  # MEMORYSTATUSEX: two 32-bit numbers, then seven of 64 bits
        status[0] = ctypes.sizeof(status)  # the first number: the size of the structure
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return status[1], status[2]
    return None, None


def _field(folder: str | os.PathLike[str], file: str, name: str) -> int | None:
    """The number behind a name in a file of lines such as "MemAvailable:  123 kB"."""
    for line in _text(folder, file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _text(folder: str | os.PathLike[str], file: str) -> str:
    """The file's text, "" where it cannot be read."""
    try:
        with open(os.path.join(folder, file), encoding="utf-8") as opened:
            return opened.read().strip()
    except (OSError, ValueError):
        return ""
