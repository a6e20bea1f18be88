"""Frames: objects sent through a pipe, each as its length and its pickle."""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any

_LENGTH = struct.Struct("<Q")
_PART = 1 << 20  # bytes


def write_frame(descriptor: int, value: Any) -> None:
    """Send an object.

    Raises
    ------
    OSError
        If nobody reads the pipe any more.
    """
    data = pickle.dumps(value, protocol=5)
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(descriptor, rest[:_PART]) :]


def read_frame(descriptor: int) -> Any:
    """Receive an object.

    Raises
    ------
    EOFError
        If the other end of the pipe is closed before the object is complete.
    """
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size))
    return pickle.loads(_read(descriptor, length))


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(descriptor, min(size, _PART))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
