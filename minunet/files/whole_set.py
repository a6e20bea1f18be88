"""Whole sets: files and folders that appear completely or not at all.

They are written to a hidden folder beside their places, and moved there at the end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from minunet.errors import UserError
from minunet.files.folders import unwritable

DRAFT = ".unfinished-"  # what the name of the folder of an unfinished set begins with
MOVING = ".moving"  # a file in it with the names of the parts, from the moment when they begin to be moved


def whole_set_problems(folder: str | os.PathLike, parts: Sequence[str]) -> list[str]:
    """Why a set cannot be written to `folder`: one sentence, or none where it can.

    Parameters
    ----------
    folder : path
    parts : sequence of str
        The names of the files and folders of the set. Empty folders of these names may be there.
    """
    folder = Path(folder)
    obstacle = unwritable(folder)
    if obstacle:
        return [obstacle]
    unfinished = _moved_parts(folder, parts)
    existing = [part for part in parts if part not in unfinished and _exists(folder / part)]
    if existing:
        return [
            f"{folder}: already holds {', '.join(existing)}, and a set is never overwritten; remove it or name another folder."
        ]
    return []


def remove_remains(folder: str | os.PathLike, parts: Sequence[str]) -> None:
    """Remove what a process that was killed left of a set of these parts; only where no other process writes one there."""
    folder = Path(folder)
    for part in _moved_parts(folder, parts):
        _remove(folder / part)
    for draft in _drafts(folder):
        _remove(draft)


@contextlib.contextmanager
def written_whole(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """A folder for the parts of a set; at the end of the block they are moved to `folder`, which must exist and be locked.

    Parameters
    ----------
    folder : Path
    parts : sequence of str
        The names of the files and folders of the set; some may not be there at the end.

    Raises
    ------
    UserError
        If the system refuses. After any error nothing of the set is left.
    """
    draft, moved = None, []
    try:
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder))
        yield draft
        written = [part for part in parts if os.path.lexists(draft / part)]
        (draft / MOVING).write_text("\n".join(written), encoding="utf-8")
        for part in written:
            if (folder / part).is_dir():
                (folder / part).rmdir()  # empty, since whole_set_problems refuses any other
            os.replace(draft / part, folder / part)
            moved.append(folder / part)
        _remove(draft)
    except BaseException as error:
        for path in (*moved, draft):
            if path is not None:
                _remove(path)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise UserError(f"{folder}: the set could not be written ({reason}); name another folder.") from error
        raise


def _drafts(folder: Path) -> list[Path]:
    return [path for path in folder.glob(DRAFT + "*") if path.is_dir()] if folder.is_dir() else []


def _moved_parts(folder: Path, parts: Sequence[str]) -> set[str]:
    """The parts that a process had moved to their places when it was killed."""
    moved = set()
    for draft in _drafts(folder):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            written = (draft / MOVING).read_text(encoding="utf-8").split("\n")
            moved |= {part for part in parts if part in written and not os.path.lexists(draft / part)}
    return moved


def _remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _exists(path: Path) -> bool:
    """Whether there is a file, or a folder that is not empty."""
    return any(path.iterdir()) if path.is_dir() else os.path.lexists(path)
