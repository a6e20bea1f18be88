"""Reading files of any origin: only regular files are opened, and not more is read than requested.

A named pipe would block its reader for ever, and a device such as /dev/zero has no end.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader

from minunet.files.names import unusable_name

_KINDS = (
    (stat.S_ISFIFO, "it is a named pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading.

    Parameters
    ----------
    path : path
        A link to a regular file is one too.

    Returns
    -------
    binary file

    Raises
    ------
    OSError
        If there is no such file, where it may not be read, or where it is something else: a folder, a named pipe, a socket, a
        device. Its `strerror` is part of a sentence. Nothing else is raised: also for a name that no file can have.
    """
    if reason := unusable_name(path):
        raise OSError(errno.EINVAL, reason, os.fspath(path))
    _check(os.stat(path), path)
    # The file may have been replaced since: opened without waiting for the other end of a pipe, and checked again.
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  the caller closes it
    try:
        _check(os.fstat(file.fileno()), path)
    except BaseException:
        file.close()
        raise
    return file


def read_regular(path: str | os.PathLike[str], largest: int) -> bytes:
    """The content of a regular file of at most `largest` bytes; raises `OSError` as `open_regular` does."""
    with open_regular(path) as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"it has more than {largest:,} bytes", os.fspath(path))
    return data


def file_sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of the content of a regular file, in hexadecimal digits; raises `OSError` as `open_regular` does."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", os.fspath(path))
    for is_kind, reason in _KINDS:
        if is_kind(status.st_mode):
            raise OSError(errno.EINVAL, reason, os.fspath(path))
