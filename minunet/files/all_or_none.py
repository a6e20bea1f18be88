"""Files that appear all together, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from minunet.files.folders import missing_folders, remove_empty


@contextlib.contextmanager
def all_or_none(paths: Sequence[Path]) -> Iterator[None]:
    """Where an exception ends the block, what it has written of these files is removed again, with the folders made for them.

    What it has written is seen on the disk: a signal may end the block between a file and a note of it.

    Parameters
    ----------
    paths : sequence of Path
        All files that the block may write; also folders that are written as one.
    """
    before = [_identity(path) for path in paths]
    folders = [folder for parent in {path.parent for path in paths} for folder in missing_folders(parent)]
    try:
        yield
    except BaseException:
        remove_files([path for path, then in zip(paths, before, strict=True) if _identity(path) != then])
        remove_empty(folders)
        raise


def remove_files(paths: Sequence[Path]) -> None:
    """Remove files, and folders that were written as one, where they are there."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.unlink()


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns
