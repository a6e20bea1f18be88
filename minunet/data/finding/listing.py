"""Listings: the image files of one folder, in natural order.

Everything that can't be an image (hidden files, Thumbs.db, README.md, tables) is ignored; files in image formats that are
not read cause a warning, so that nobody's data is dropped in silence.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.reading.zarr_metadata import OME_ENDING, is_zarr
from minunet.files.names import resolved, unusable_name
from minunet.wording import count_noun, shorten

READ = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".btf", ".tf8", ".svs", ".ndpi"}
NOT_READ = {
    *(".webp", ".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".pgm", ".ppm", ".psd", ".svg", ".pdf"),
    *(".czi", ".lif", ".nd2", ".mrxs", ".scn", ".vsi", ".dcm", ".npy", ".npz", ".mat"),
}


@dataclass(frozen=True)
class Listing:
    """The content of one folder.

    Attributes
    ----------
    folder : Path
    files : list of Path
        The image files, naturally sorted; with the folders that are an OME-Zarr each.
    folders : list of Path
        The other visible subfolders, naturally sorted.
    problems, warnings : list of str
    others : list of Path
        The other visible files, naturally sorted.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def stem(self, file: Path) -> str:
        """The path of a file from the folder on, with forward slashes, without ending, letters in Unicode's form NFC."""
        return unicodedata.normalize("NFC", without_ending(file.relative_to(self.folder)).as_posix())


def without_ending(path: Path) -> Path:
    """A path without the ending of an image file, which is .ome.zarr as a whole."""
    if path.name.lower().endswith(OME_ENDING) and len(path.name) > len(OME_ENDING):
        return path.with_name(path.name[: -len(OME_ENDING)])
    return path.with_suffix("")


def natural_key(name: str) -> tuple:
    """A sort key under which 2 comes before 10: digits compare as numbers, letters regardless of case."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if part.isdecimal() else part for part in parts], name


def list_folder(folder: Path) -> Listing:
    """List a folder; for one that is missing, not a folder or not readable the listing is empty and holds the problem."""
    try:
        with os.scandir(folder) as entries:
            visible = {entry.name: _is_folder(entry) for entry in entries if not entry.name.startswith(".")}
    except FileNotFoundError:
        return Listing(folder, problems=[f"{folder} does not exist: {_check_path(folder)}."])
    except NotADirectoryError:
        return Listing(folder, problems=[f"{folder} is a file, not a folder: {_give_folder(folder)}."])
    except PermissionError:
        return Listing(folder, problems=[f"{folder} may not be read: ask for permission to open this folder."])
    except (OSError, ValueError) as error:
        reason = unusable_name(folder) or getattr(error, "strerror", None) or error
        return Listing(
            folder, problems=[f"{shorten(folder, 1000)} cannot be listed ({reason}): check the disk and the path."]
        )
    ordered = sorted(visible, key=natural_key)
    zarrs = {name for name, is_folder in visible.items() if is_folder and is_zarr(folder / name)}
    folders = [folder / name for name in ordered if visible[name] and name not in zarrs]
    names = [name for name in ordered if not visible[name] or name in zarrs]
    files = [folder / name for name in names if name in zarrs or Path(name).suffix.lower() in READ]
    left = [name for name in names if name not in zarrs and Path(name).suffix.lower() not in READ]
    not_read = [name for name in left if Path(name).suffix.lower() in NOT_READ]
    warnings = []
    if not_read:
        kinds = ", ".join(sorted({Path(name).suffix.lower() for name in not_read}))
        warnings.append(
            f"{folder} holds {count_noun(len(not_read), 'file')} in formats that are not read ({kinds}), such as {not_read[0]}: "
            "convert what belongs to the set to PNG or TIFF."
        )
    return Listing(folder, files, folders, [], warnings, [folder / name for name in left])


def list_tree(folder: Path, without: Path | None = None) -> Listing:
    """List a folder together with the folders in it, at any depth.

    Parameters
    ----------
    folder : Path
    without : Path or None
        A folder inside that is left out, with its own folders.

    Returns
    -------
    Listing
        `folders` are those directly in the folder. Links to folders are followed; a folder that was listed already, as at the
        end of a link that leads back, is not listed again.
    """
    top = list_folder(folder)
    tree = Listing(folder, list(top.files), top.folders, list(top.problems), list(top.warnings), list(top.others))
    seen = {resolved(folder)} | ({resolved(without)} if without is not None else set())
    waiting = top.folders[::-1]
    while waiting:
        inner = waiting.pop()
        if (place := resolved(inner)) in seen:
            continue
        seen.add(place)
        listing = list_folder(inner)
        for name in ("files", "problems", "warnings", "others"):
            getattr(tree, name).extend(getattr(listing, name))
        waiting += listing.folders[::-1]
    return tree


def list_pattern(pattern: Path) -> Listing:
    """List the files of one folder whose names fit a pattern such as `smears/*_seg.png`."""
    listing = list_folder(pattern.parent)
    files, others = (
        [file for file in files if fnmatch.fnmatchcase(file.name, pattern.name)]
        for files in (listing.files, listing.others)
    )
    problems = list(listing.problems)
    if not files and not problems:
        problems.append(f"{pattern}: no image file in {pattern.parent} has such a name: check the pattern.")
    return Listing(pattern.parent, files, [], problems, [], others)


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several files of one folder."""
    return any(letter in path.name for letter in "*?[") and not os.path.lexists(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, which concerns this entry only
        return False


def _check_path(folder: Path) -> str:
    """The remedy for a folder that does not exist."""
    parent = folder.absolute().parent
    if not os.path.isdir(parent):
        return "check the path" if folder.is_absolute() else f"check the path, which starts from {Path.cwd()}"
    try:
        close = difflib.get_close_matches(folder.name, sorted(os.listdir(parent)), n=1, cutoff=0.75)
    except OSError:
        close = []
    if close:
        return f"did you mean {folder.parent / close[0]}"
    return "check the path" if folder.is_absolute() else f"check the path, which starts from {Path.cwd()}"


def _give_folder(file: Path) -> str:
    """The remedy for a file in place of a folder."""
    if file.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        return "unpack it and give the folder that comes out"
    return "give the folder that holds the images and masks"
