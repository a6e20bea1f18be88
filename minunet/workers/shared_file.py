"""The shared file: an object whose arrays several processes use without a copy of their own.

It is pickled to a temporary file, its arrays beside it (pickle protocol 5, "out-of-band data"). A process maps the file, so that
all of them share the pages of the arrays, which are read-only.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minunet.workers.tasks import NoWorkers

_INDEX = struct.Struct("<QQ")  # place and length of the index, at the start of the file
ALIGNMENT = 64  # bytes: a cache line


@contextlib.contextmanager
def shared_file(value: Any) -> Iterator[Path]:
    """A temporary file that holds an object; it is removed at the end of the block.

    Raises
    ------
    NoWorkers
        If there is no space for it.
    """
    folder = tempfile.gettempdir()
    try:
        descriptor, name = tempfile.mkstemp(prefix="minunet-", dir=folder)
    except OSError as error:
        raise _no_space(folder, error) from error
    try:
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, value)
        except OSError as error:
            raise _no_space(folder, error) from error
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def open_shared(path: str | os.PathLike) -> Any:
    """The object in a shared file; its arrays are those of the file, and cannot be written to."""
    mapped = np.memmap(path, np.uint8, "r")
    start, length = _INDEX.unpack_from(mapped.data)
    skeleton, places = pickle.loads(mapped[start : start + length].tobytes())
    return pickle.loads(skeleton, buffers=[mapped[place : place + size].data for place, size in places])


def _write(file: Any, value: Any) -> None:
    buffers: list[pickle.PickleBuffer] = []
    skeleton = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    file.seek(ALIGNMENT)
    places = []
    for buffer in buffers:
        places.append((file.tell(), len(buffer.raw())))
        file.write(buffer.raw())
        file.write(bytes(-file.tell() % ALIGNMENT))
    index, start = pickle.dumps((skeleton, places)), file.tell()
    file.write(index)
    file.seek(0)
    file.write(_INDEX.pack(start, len(index)))


def _no_space(folder: str, error: OSError) -> NoWorkers:
    return NoWorkers(
        f"{folder}: the file that the worker processes share cannot be written ({error.strerror or error}); free some space, name "
        "another folder with the variable TMPDIR, or use --workers 1."
    )
