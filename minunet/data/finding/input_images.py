"""Input images: the image files to predict, each with the name of its results, from files and folders as they were given.

Names follow the files' own, with the sub-folders they are in, and no two images have the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.layouts import IMAGE_FOLDERS, MASK_FOLDERS, SPLITS, DataFolder
from minunet.data.finding.listing import Listing, list_folder
from minunet.data.finding.matching import match_masks
from minunet.errors import UserError
from minunet.files.names import resolved, unusable_name
from minunet.wording import shorten


@dataclass(frozen=True)
class InputImage:
    """One image file.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        The name of its results: a relative path with forward slashes and no extension.
    """

    path: Path
    name: str


@dataclass
class InputFiles:
    """The files that were found.

    Attributes
    ----------
    images : list of InputImage
        In natural order within each folder, each file once.
    masks : list of Path
        Masks, and other files and folders beside the images of a data set, which are not predicted.
    others : list of Path
        Files whose extension is not that of an image.
    results : list of Path
        Results of earlier predictions.
    """

    images: list[InputImage] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class FileInFolder:
    """An image file with the folder that its name is relative to."""

    path: Path
    root: Path

    @property
    def stem(self) -> str:
        """The path relative to the root, with forward slashes and without extension."""
        return self.path.relative_to(self.root).with_suffix("").as_posix()

    @property
    def key(self) -> str:
        """The whole path without extension, equal for paths that Windows and macOS regard as equal."""
        return str(resolved(self.path).with_suffix("")).casefold()


def find_input_images(
    paths: Sequence[str | Path], *, is_result: Callable[[Path], bool] = lambda path: False
) -> InputFiles:
    """Find the images to predict.

    Parameters
    ----------
    paths : sequence of str or Path
        Image files, whatever their names, and folders, searched with their sub-folders. Hidden files and links to folders
        are ignored; so are NAME_mask.png beside NAME.png and, where images/ and masks/ are in one folder (or as other
        data sets name them), everything except the images.
    is_result : callable
        Whether an image file in a folder is the result of an earlier prediction.

    Raises
    ------
    UserError
        For every path that does not exist, and every folder without images.
    """
    inputs = InputFiles()
    files: list[FileInFolder] = []
    problems: list[str] = []
    for path in map(Path, paths):
        if os.path.isdir(path):
            before = len(files)
            folder_problems = _search(path, path, inputs, files, is_result)
            problems += folder_problems
            if len(files) == before and not folder_problems:
                problems.append(f"{path} holds no images: give a folder with PNG, JPEG, BMP or TIFF files.")
        elif os.path.exists(path):
            files.append(FileInFolder(path, path.parent))
        elif reason := unusable_name(path):
            problems.append(f"{shorten(path, 1000)} cannot be read ({reason}): check the path.")
        elif os.path.islink(path):
            problems.append(f"{path} is a link that leads nowhere: check what it points to.")
        else:
            problems.append(f"{path} does not exist: check the path.")
    if problems:
        raise UserError(problems)
    first = {resolved(file.path): file for file in reversed(files)}
    files = [file for file in files if first[resolved(file.path)] is file]
    inputs.images = [InputImage(file.path, name) for file, name in zip(files, result_names(files), strict=True)]
    return inputs


def result_names(files: list[FileInFolder]) -> list[str]:
    """A different name for each file.

    The name is the stem; with the extension where files of a folder differ only in that; below the name of the folder
    that was given where folders share names; numbered where even these are equal.
    """
    twins = _repeated(file.key for file in files)
    names = [
        f"{file.stem}_{file.path.suffix[1:].lower()}" if file.key in twins and file.path.suffix else file.stem
        for file in files
    ]
    if _repeated({file.key: file.stem for file in files}.values()):
        names = [f"{resolved(file.root).name}/{name}".lstrip("/") for file, name in zip(files, names, strict=True)]
    used: set[str] = set()
    for i, name in enumerate(names):
        number = 1
        while names[i].casefold() in used:
            number += 1
            names[i] = f"{name}_{number}"
        used.add(names[i].casefold())
    return names


def _search(
    folder: Path, root: Path, inputs: InputFiles, files: list[FileInFolder], is_result: Callable[[Path], bool]
) -> list[str]:
    """Add the files of a folder and its sub-folders; returns what is wrong with the folders."""
    listing = list_folder(folder)
    if listing.problems:
        return listing.problems
    names = {inner.name.lower() for inner in listing.folders}
    is_data_set = not names.isdisjoint(IMAGE_FOLDERS) and not names.isdisjoint(MASK_FOLDERS)
    results = [file for file in listing.files if is_result(file)]
    candidates = [file for file in listing.files if file not in results]
    if is_data_set:
        masks = set(candidates)
    else:
        masks = {pair.mask for pair in match_masks(DataFolder(Listing(folder, candidates), None))[0]}
    files += [FileInFolder(file, root) for file in candidates if file not in masks]
    inputs.results += results
    inputs.masks += [file for file in candidates if file in masks]
    inputs.others += sorted(
        entry
        for entry in folder.iterdir()
        if os.path.isfile(entry) and entry not in listing.files and not entry.name.startswith(".")
    )
    problems: list[str] = []
    for inner in listing.folders:
        if is_data_set and inner.name.lower() not in (*IMAGE_FOLDERS, *SPLITS):
            inputs.masks.append(inner)
        elif not inner.is_symlink():  # a link may lead back up, without end
            problems += _search(inner, root, inputs, files, is_result)
    return problems


def _repeated(names: Iterable[str]) -> set[str]:
    """The names, in small letters, that occur more than once."""
    return {name for name, count in Counter(name.casefold() for name in names).items() if count > 1}
