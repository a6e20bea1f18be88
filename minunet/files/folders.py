"""A folder to write to: whether that will work, and which folders making it will make."""

from __future__ import annotations

import os
from pathlib import Path


def unwritable(folder: str | os.PathLike) -> str | None:
    """Why files cannot be written to a folder.

    Parameters
    ----------
    folder : path
        It exists, or is to be made with the folders above it.

    Returns
    -------
    str or None
        A sentence that names the obstacle and the remedy; None where files can be written.
    """
    existing = nearest(folder)
    if not existing.is_dir():
        return f"{existing}: is a file where a folder is needed; name another folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing}: no permission to write there; name another folder"
    return None


def nearest(folder: str | os.PathLike) -> Path:
    """The folder itself where it exists, else the innermost of those above it that does."""
    path = Path(folder)
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def to_be_made(folder: str | os.PathLike) -> list[Path]:
    """The folders that `Path(folder).mkdir(parents=True)` will make, innermost first: what an interrupted run takes away again."""
    path, made = Path(folder), []
    while not os.path.lexists(path):
        made.append(path)
        path = path.parent
    return made


def take_away(made: list[Path]) -> None:
    """Remove the folders of `to_be_made` that are there and empty."""
    for path in made:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
