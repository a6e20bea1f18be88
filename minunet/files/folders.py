"""Folders to write to: whether that will work, what would get mixed up there, and names that are still free."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from minunet.files.names import resolved, unusable_name
from minunet.wording import join_names, shorten


def unwritable(folder: str | os.PathLike[str]) -> str | None:
    """The reason why files cannot be written to a folder.

    Parameters
    ----------
    folder : path
        It exists, or is to be made together with its parent folders.

    Returns
    -------
    str or None
        A sentence that names the obstacle and the remedy; None where files can be written.
    """
    existing = nearest_existing(folder)
    if reason := unusable_name(folder):
        return f"{shorten(folder, 1000)}: nothing can be written there ({reason}); name another folder."
    if not os.path.isdir(existing):
        return f"{existing}: is a file where a folder is needed; name another folder."
    try:
        # A file is created, because permissions do not show that a disk is read-only or full.
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return f"{existing}: nothing can be written there ({error.strerror or error}); name another folder."


def mixing_problems(out: str | os.PathLike[str], files: Iterable[Path], data: Iterable[Path]) -> list[str]:
    """The reason why results must not be written: next to images or masks they would be read as such the next time.

    Parameters
    ----------
    out : path
        The folder that the user gave for the results.
    files : iterable of Path
        The files to be written.
    data : iterable of Path
        Images and masks, files or whole folders.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    data_folders = {resolved(path) if os.path.isdir(path) else resolved(path.parent) for path in data}
    mixed = {file.parent for file in files if resolved(file.parent) in data_folders}
    if not mixed:
        return []
    return [
        f"--out {out}: results would mix with the images or masks in {join_names(sorted(mixed), 3)}; choose another folder."
    ]


def existing_problems(out: Path, names: Iterable[str], overwrite: bool) -> list[str]:
    """The reason why results must not be written: they would replace files, and the user did not allow it.

    Parameters
    ----------
    out : Path
        The folder that the user gave for the results.
    names : iterable of str
        The files to be written.
    overwrite : bool
        Whether they may be replaced.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    existing = [name for name in names if os.path.lexists(out / name)]
    if overwrite or not existing:
        return []
    verb = "is" if len(existing) == 1 else "are"
    return [f"--out {out}: {join_names(existing)} {verb} there already; add --overwrite, or choose another folder."]


def results_problems(out: Path, names: Collection[str], data: Iterable[Path], overwrite: bool) -> list[str]:
    """Every reason why results must not or cannot be written to the folder that the user gave with --out.

    Parameters
    ----------
    out : Path
    names : collection of str
        The files to be written.
    data : iterable of Path
        Images and masks, files or whole folders.
    overwrite : bool
        Whether files that exist may be replaced.

    Returns
    -------
    list of str
        A sentence each; none where the files can be written.
    """
    if obstacle := unwritable(out):
        return [f"--out {out}: {obstacle}"]
    return [*mixing_problems(out, [out / name for name in names], data), *existing_problems(out, names, overwrite)]


def fresh_folder(parent: str | os.PathLike[str]) -> Path:
    """The name of a folder that does not exist yet: `parent` and the time, such as runs/2025-03-31-142500."""
    folder = Path(parent) / time.strftime("%Y-%m-%d-%H%M%S")
    path, number = folder, 1
    while path.exists():
        number += 1
        path = folder.with_name(f"{folder.name}-{number}")
    return path


def nearest_existing(folder: str | os.PathLike[str]) -> Path:
    """The folder itself where it exists, else the closest of its parent folders that does."""
    path = Path(folder)
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def missing_folders(folder: str | os.PathLike[str]) -> list[Path]:
    """The folders that `Path(folder).mkdir(parents=True)` will make, the innermost first."""
    path, missing = Path(folder), []
    while not os.path.lexists(path):
        missing.append(path)
        path = path.parent
    return missing


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders, given innermost first, that exist and are empty."""
    for path in folders:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
