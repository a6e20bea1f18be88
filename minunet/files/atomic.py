"""A file is written whole or not at all: the bytes go to a temporary neighbour, which then takes the file's name.

A full disk, Ctrl-C or a power cut therefore leaves the earlier file as it was, never half of a new one.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from minunet.errors import UserError


def write_bytes(path: str | Path, data: bytes, *, durable: bool = True) -> Path:
    """Write `data` to `path` in one step; missing parent folders are made.

    Parameters
    ----------
    path : str or Path
        Where the file shall lie. An existing file is replaced.
    data : bytes
        The whole content.
    durable : bool
        Wait until the disk has the bytes, so that a power cut leaves the old file or the new one. Costs milliseconds; not
        worth it for what can be made again.

    Returns
    -------
    Path
        `path`, as a Path.

    Raises
    ------
    UserError
        Where the system refuses: no permission, no space, a folder of that name.
    """
    path = Path(path)
    # A neighbour, because os.replace is atomic only within one file system. Not tempfile: its files are readable by
    # their owner alone, and a run folder is often shared.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free some space, or choose a folder you may write to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` to `path` as `utf8` in one step, as `write_bytes` does."""
    return write_bytes(path, utf8(text))


def utf8(text: str) -> bytes:
    r"""`text` as UTF-8, the name of a file included whose bytes are none, as Latin-1's are not.

    Python holds each such byte as half of a surrogate pair, for which UTF-8 has no bytes; it is escaped as JSON does.

    Examples
    --------
    >>> utf8("gr\udcfcn")
    b'gr\\udcfcn'
    """
    return text.encode("utf-8", "backslashreplace")
