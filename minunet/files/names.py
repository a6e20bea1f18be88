"""Names of files: whether a file can have a name, and which file it stands for, for any text given as a path.

`Path.exists`, `is_dir` and `resolve` raise for some of these names; the functions of `os.path` and those here do not.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_NAME = 255  # bytes of a name, of nearly every file system
LONGEST_PATH = 4095  # bytes of a path, of Linux; other systems take less and say so themselves


def unusable_name(path: str | os.PathLike[str]) -> str | None:
    """The reason why no file can be at a path, independent of the content of the folders.

    Returns
    -------
    str or None
        The reason as part of a sentence; None for a name that a file can have.
    """
    text = os.fspath(path)
    too_long = f"the name is too long, {len(text):,} letters"
    try:
        longest = max(
            (len(os.fsencode(part)) for part in text.replace(os.altsep or os.sep, os.sep).split(os.sep)), default=0
        )
        if longest > LONGEST_NAME or len(os.fsencode(text)) > LONGEST_PATH:
            return too_long
        os.lstat(text)
    except ValueError:  # a NUL, or half of a character, which cannot be encoded
        return "no file can have such a name"
    except OSError as error:
        return {errno.ENAMETOOLONG: too_long, errno.ELOOP: "its links lead in a circle"}.get(error.errno or 0)
    return None


def absolute_text(path: str | os.PathLike[str]) -> str:
    """A path as text that holds from any folder, its links as they are; ~ is the home folder."""
    from pathlib import Path  # of what a prediction imports, it takes the longest

    return str(Path(os.path.expanduser(path)).absolute())


def resolved(path: str | os.PathLike[str]) -> Path:
    """The absolute path without links; links that lead in a circle, and names that no file can have, stay as they are."""
    from pathlib import Path

    try:
        return Path(os.path.realpath(path))
    except (ValueError, OSError):
        return Path(path).absolute()
