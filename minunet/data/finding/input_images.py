"""Input images: the image files to predict, each with the name of its results, from files and folders as they were given.

Names follow the files' own, with the sub-folders they are in, and no two images have the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.cell_folders import find_cell_folders
from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.listing import Listing, is_pattern, list_folder, list_pattern, list_tree, without_ending
from minunet.data.finding.matching import match_masks
from minunet.data.finding.unread_files import describe_unread
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.errors import UserError
from minunet.files.names import resolved, unusable_name
from minunet.wording import shorten


@dataclass(frozen=True)
class InputImage:
    """One image file.

    Attributes
    ----------
    path : Path
        The file, or the folder of an OME-Zarr.
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
        return without_ending(self.path.relative_to(self.root)).as_posix()

    @property
    def key(self) -> str:
        """The whole path without extension, equal for paths that Windows and macOS regard as equal."""
        return str(without_ending(resolved(self.path))).casefold()


def find_input_images(
    paths: Sequence[str | Path], *, is_result: Callable[[Path], bool] = lambda path: False
) -> InputFiles:
    """Find the images to predict.

    Parameters
    ----------
    paths : sequence of str or Path
        Image files, whatever their names, folders that are an OME-Zarr, patterns such as `smears/*.jpg`, and other folders,
        searched with their sub-folders, each once wherever links lead. Hidden files in folders are ignored; so are masks: those
        that are told by their names from images in the same folder, and, where images/ and masks/ are in one folder (or as other
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
    search = _Search(inputs, files, is_result)
    for path in map(Path, paths):
        if os.path.isdir(path) and not is_zarr(path):
            before = len(files)
            folder_problems = search.add(path, path)
            problems += folder_problems
            if len(files) == before and not folder_problems:
                remedy = "give a folder with PNG, JPEG, BMP or TIFF files"
                problems.append(f"{path} holds no images: {describe_unread(list_tree(path).others) or remedy}.")
        elif is_pattern(path):
            listing = list_pattern(path)
            files += [FileInFolder(file, path.parent) for file in listing.files]
            problems += listing.problems
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


@dataclass
class _Search:
    """A search through the folders that were given, each once, wherever links lead."""

    inputs: InputFiles
    files: list[FileInFolder]
    is_result: Callable[[Path], bool]
    seen: set[Path] = field(default_factory=set)
    masks: set[Path] = field(default_factory=set)  # known from the folder above

    def add(self, folder: Path, root: Path) -> list[str]:
        """Add the files of a folder and its sub-folders; returns what is wrong with the folders."""
        self.seen.add(resolved(folder))
        listing = list_folder(folder)
        if listing.problems:
            return listing.problems
        results = [file for file in listing.files if self.is_result(file)]
        candidates = [file for file in listing.files if file not in results]
        roles = [folder_role(inner) for inner in listing.folders]
        mask_folders = {role.folder for role in roles if role.kind == "masks"}
        image_folders = {role.folder for role in roles if role.kind == "images"}
        sides = {role.folder for role in roles if role.kind is None and role.split}
        skipped: set[Path] = set()
        if mask_folders and (image_folders or sides):
            masks, skipped = set(candidates), set(listing.folders) - image_folders - sides
        else:
            masks = {pair.mask for pair in match_masks(DataFolder(Listing(folder, candidates), None)).pairs}
            if mask_folders and candidates and not masks:
                skipped = mask_folders
        cells = find_cell_folders(listing, None, "")
        self.masks |= {pair.mask for pair in cells.pairs} if cells else set()
        masks |= self.masks & set(candidates)
        self.files += [FileInFolder(file, root) for file in candidates if file not in masks]
        self.inputs.results += results
        self.inputs.masks += [file for file in candidates if file in masks]
        self.inputs.others += [file for file in listing.others if os.path.isfile(file)]
        problems: list[str] = []
        for inner in listing.folders:
            if inner in skipped or inner in self.masks:
                self.inputs.masks.append(inner)
            elif resolved(inner) not in self.seen:  # a link may lead back up, without end
                problems += self.add(inner, root)
        return problems


def _repeated(names: Iterable[str]) -> set[str]:
    """The names, in small letters, that occur more than once."""
    return {name for name, count in Counter(name.casefold() for name in names).items() if count > 1}
