"""Atomic writing: a file is written to a temporary file beside it, which then gets its name.

A full disk, Ctrl-C or a power cut therefore leaves the earlier file as it was, never half of a new one.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from minunet.errors import UserError
from minunet.files.names import unusable_name
from minunet.wording import shorten

FOLDER_SUFFIXES = (".zarr",)  # of the folders that `replacing_folder` makes; no other folder is ever swept
TEMPORARY = re.compile(r"\..*\.([0-9]+)\.part(\.[^.]*)?", re.DOTALL)  # the name of a file that is being written


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file beside `path` that gets its name at the end of the block; missing parent folders are made.

    Raises
    ------
    UserError
        If the system refuses: no permission, no space, a folder of that name.
    """
    path = Path(path)
    if reason := unusable_name(path):
        raise UserError(f"{shorten(path, 1000)}: cannot be written ({reason}); choose another name.")
    # In the same folder, because os.replace is atomic only within one file system. Not made by tempfile: only their owner may
    # read its files, and a run folder is often shared. With the same ending, by which matplotlib knows the format.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")  # as TEMPORARY describes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """As `replacing`, for a folder, which is to be made; one that is there is replaced at the end.

    Raises
    ------
    UserError
        As `replacing`.
    """
    import shutil  # slow to import, and needed for folders only

    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")  # as TEMPORARY describes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def cannot_write(path: Path, error: OSError) -> UserError:
    """The error for a file that the system did not let us write."""
    if isinstance(error, IsADirectoryError):
        return UserError(f"{path}: is a folder where a file is to be written; name a file.")
    return UserError(
        f"{path}: cannot be written ({error.strerror or error}); free some space, or choose a folder you may write to."
    )


def sweep(folder: str | Path, pid: int | None = None) -> None:
    """Remove what writers that were killed left unfinished; only for who has the folder to itself (see `FolderLock`).

    With a `pid`, what that process left.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = TEMPORARY.fullmatch(entry.name)
            if match is None or pid not in (None, int(match[1])):
                continue
            if entry.is_dir(follow_symlinks=False) and entry.name.endswith(FOLDER_SUFFIXES):
                import shutil

                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def write_bytes(path: str | Path, data: bytes, *, durable: bool = True) -> Path:
    """Write `data` to `path` in one step; missing parent folders are made.

    Parameters
    ----------
    path : str or Path
        An existing file is replaced.
    data : bytes
        The whole content.
    durable : bool
        Wait until the disk has the bytes, so that a power cut leaves the old file or the new one. It takes milliseconds, and is
        not needed for files that can be made again.

    Returns
    -------
    Path
        `path`, as a Path.

    Raises
    ------
    UserError
        If the system refuses: no permission, no space, a folder of that name.
    """
    return write_parts(path, [data], durable=durable)


def write_parts(path: str | Path, parts: Iterable[bytes | memoryview], *, durable: bool = True) -> Path:
    """Write bytes part by part to `path` in one step, as `write_bytes` does, without having all of them in memory."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        for part in parts:
            file.write(part)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return Path(path)


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` to `path` as `utf8` in one step, as `write_bytes` does."""
    return write_bytes(path, utf8(text))


def utf8(text: str) -> bytes:
    r"""`text` as UTF-8, even if it contains the name of a file that is not UTF-8 (but Latin-1, for example).

    Python keeps each such byte as a lone surrogate, which UTF-8 cannot encode; it is escaped as in JSON.

    Examples
    --------
    >>> utf8("gr\udcfcn")
    b'gr\\udcfcn'
    """
    return text.encode("utf-8", "backslashreplace")
