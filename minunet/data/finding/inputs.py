"""The images a prediction is asked for, each with the name its results take: files as given, folders searched through.

Names follow the files' own, with the sub-folders they lie in, and no two images ever share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from minunet.data.finding.layouts import IMAGE_FOLDERS, MASK_FOLDERS, SPLITS, Source
from minunet.data.finding.listing import Listing, list_folder
from minunet.data.finding.matching import match
from minunet.errors import UserError


@dataclass(frozen=True)
class Input:
    """One image file.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        What its results are called: a relative path with forward slashes and no extension.
    """

    path: Path
    name: str


@dataclass
class Inputs:
    """What was found.

    Attributes
    ----------
    images : list of Input
        In natural order within each folder, without repeats.
    masks : list of Path
        Masks, and whatever else lies beside the images of a data set, folders and files; nobody wants them predicted.
    others : list of Path
        Files that are no images, by their extension.
    results : list of Path
        Results of earlier predictions.
    """

    images: list[Input] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    path: Path
    root: Path  # the folder its name is relative to

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path.relative_to(self.root).with_suffix("").as_posix()).as_posix()

    @property
    def place(self) -> str:
        """Where it lies, without extension, where capitals do not tell files apart, as on Windows and macOS."""
        return str(self.path.resolve().with_suffix("")).casefold()


def collect(paths: Sequence[str | Path], *, is_result: Callable[[Path], bool] = lambda path: False) -> Inputs:
    """Find the images that `paths` mean.

    Parameters
    ----------
    paths : sequence of str or Path
        Image files, taken whatever their name, and folders, searched with their sub-folders. Hidden files and links to
        folders are passed over; so are NAME_mask.png beside NAME.png and, where images/ and masks/ lie in one folder
        (or as other data sets name them), all but the images.
    is_result : callable
        Says of an image file in a folder whether it is the result of an earlier prediction.

    Raises
    ------
    UserError
        For every path that does not exist, and every folder without images.
    """
    inputs, found, problems = Inputs(), [], []
    for path in map(Path, paths):
        if path.is_dir():
            before = len(found)
            obstacles = _search(path, path, inputs, found, is_result)
            problems += obstacles
            if len(found) == before and not obstacles:
                problems.append(f"{path} holds no images: give a folder with PNG, JPEG, BMP or TIFF files.")
        elif path.exists():
            found.append(Found(path, path.parent))
        else:
            problems.append(f"{path} does not exist: check the path.")
    if problems:
        raise UserError(problems)
    first = {item.path.resolve(): item for item in reversed(found)}
    found = [item for item in found if first[item.path.resolve()] is item]
    inputs.images = [Input(item.path, name) for item, name in zip(found, names_of(found), strict=True)]
    return inputs


def _search(
    folder: Path, root: Path, inputs: Inputs, found: list[Found], is_result: Callable[[Path], bool]
) -> list[str]:
    """Add what lies in a folder and below it; returns what is wrong with the folders."""
    listing = list_folder(folder)
    if listing.problems:
        return listing.problems
    names = {inner.name.lower() for inner in listing.folders}
    data_set = not names.isdisjoint(IMAGE_FOLDERS) and not names.isdisjoint(MASK_FOLDERS)
    results = [file for file in listing.files if is_result(file)]
    files = [file for file in listing.files if file not in results]
    masks = set(files) if data_set else {pair.mask for pair in match(Source(Listing(folder, files), None))[0]}
    found += [Found(file, root) for file in files if file not in masks]
    inputs.results += results
    inputs.masks += [file for file in files if file in masks]
    inputs.others += sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_file() and entry not in listing.files and not entry.name.startswith(".")
    )
    problems = []
    for inner in listing.folders:
        if data_set and inner.name.lower() not in (*IMAGE_FOLDERS, *SPLITS):
            inputs.masks.append(inner)
        elif not inner.is_symlink():  # a link may lead back up, for ever
            problems += _search(inner, root, inputs, found, is_result)
    return problems


def names_of(found: list[Found]) -> list[str]:
    """A name for each. The stem; with the extension where files in a folder differ only in that; all below the name of
    the folder given where folders share names; numbered where even that does not tell them apart."""
    twins = _repeated(item.place for item in found)
    names = [
        f"{item.stem}_{item.path.suffix[1:].lower()}" if item.place in twins and item.path.suffix else item.stem
        for item in found
    ]
    if _repeated({item.place: item.stem for item in found}.values()):
        names = [f"{item.root.resolve().name}/{name}".lstrip("/") for item, name in zip(found, names, strict=True)]
    taken: set[str] = set()
    for i, name in enumerate(names):
        number = 1
        while names[i].casefold() in taken:
            number += 1
            names[i] = f"{name}_{number}"
        taken.add(names[i].casefold())
    return names


def _repeated(names: Iterable[str]) -> set[str]:
    """The names, in small letters, that occur more than once."""
    return {name for name, count in Counter(name.casefold() for name in names).items() if count > 1}
