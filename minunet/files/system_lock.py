"""The system's own locks on open files, which end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
FAR = 2**30  # Windows keeps others from reading the bytes that are locked: lock one behind the end


def lock_file(descriptor: int) -> bool | None:
    """Lock an open file, without waiting.

    Parameters
    ----------
    descriptor : int
        Of a file that is open for reading and writing; the lock ends where it, and every copy that a fork made, is closed.

    Returns
    -------
    bool or None
        False where another process has it locked, None where the file system knows no locks.
    """
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            _lock_on_windows(descriptor)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return None
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, getattr(errno, "EDEADLOCK", errno.EDEADLK)):
            return False
        raise
    return True


def process_is_alive(pid: int, started: int | None) -> bool:
    """Whether a process of this computer is still running.

    Parameters
    ----------
    pid : int
    started : int or None
        What `process_start` said when it ran; a process that began at another time is another one of the same number.
    """
    if os.name != "posix" or pid < 1:  # on Windows os.kill(pid, 0) would not ask, but send Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to somebody else
        pass
    return started is None or process_start(pid) in (None, started)


def process_start(pid: int) -> int | None:
    """When a process started, in ticks since the computer did; None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])  # behind the name, which may contain anything
    return None


def _lock_on_windows(descriptor: int) -> None:
    import msvcrt

    os.lseek(descriptor, FAR, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
