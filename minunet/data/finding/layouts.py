"""Layouts: the ways in which images and masks are arranged in folders.

A layout is recognised by folder names only; which mask belongs to which image is decided afterwards, by file name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.listing import Listing, list_folder
from minunet.files.names import resolved
from minunet.wording import join_names

NAMED = (("images", "masks"), ("imgs", "masks"), ("original", "mask"), ("image", "label"))
IMAGE_FOLDERS = ("images", "imgs", "original", "image", "img", "originals")
MASK_FOLDERS = ("masks", "mask", "label", "labels")
SIDES = ("train", "validation", "test")  # of a split
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class DataFolder:
    """The files of a data set, or of one side of its split.

    Attributes
    ----------
    images : Listing
    masks : Listing or None
        None where images and masks are in one folder, that of `images`.
    split : "train", "validation", "test" or None
    """

    images: Listing
    masks: Listing | None
    split: str | None = None


@dataclass
class DataFolders:
    """The folders of a data set, with what is wrong or unusual about them."""

    found: list[DataFolder] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def list_folder(self, folder: Path) -> Listing:
        """List a folder and note what is wrong with it."""
        listing = list_folder(folder)
        self.problems += listing.problems
        self.warnings += listing.warnings
        return listing

    def add(self, images: Path, masks: Path, split: str | None = None) -> None:
        """Add a folder of images and one of masks, or their subfolders train/, test/ where they hold no files themselves."""
        image_files, mask_files = self.list_folder(images), self.list_folder(masks)
        image_sides = {} if image_files.files else _by_split(image_files)
        mask_sides = {} if mask_files.files else _by_split(mask_files)
        if split is None and image_sides and mask_sides:
            for side in sorted(image_sides.keys() | mask_sides.keys()):
                if side in image_sides and side in mask_sides:
                    self.add(image_sides[side], mask_sides[side], side)
                else:
                    present, other = (image_sides[side], masks) if side in image_sides else (mask_sides[side], images)
                    self.problems.append(f"{present} has no counterpart in {other}: add one or move it out.")
            return
        for listing, kind in ((image_files, "image"), (mask_files, "mask")):
            if not listing.files and not listing.problems:
                self.problems.append(_without_files(listing, kind))
        if image_files.files and mask_files.files:
            self.found.append(DataFolder(image_files, mask_files, split))


def find_data_folders(data: Path | None, images: Path | None, masks: Path | None) -> DataFolders:
    """Find the folders that hold the images and masks of a data set.

    Parameters
    ----------
    data : Path or None
        One folder in any known layout.
    images, masks : Path or None
        The two folders themselves, in place of `data`.
    """
    folders = DataFolders()
    if data is not None and (images is not None or masks is not None):
        folders.problems.append("a data folder and --images or --masks were given: give the folder, or the other two.")
    elif data is not None:
        _explore(folders, data)
    elif images is not None and masks is not None:
        if resolved(images) == resolved(masks):
            _explore(folders, images)
        else:
            folders.add(images, masks)
    elif images is not None or masks is not None:
        given, missing = ("--images", "--masks") if images is not None else ("--masks", "--images")
        folders.problems.append(f"{given} was given without {missing}: give both, or one folder that holds both.")
    else:
        folders.problems.append("no data were given: name a folder, or give both --images and --masks.")
    return folders


def _explore(folders: DataFolders, data: Path) -> None:
    listing = folders.list_folder(data)
    if not listing.problems:
        _add_layout(folders, listing, None)


def _add_layout(folders: DataFolders, listing: Listing, split: str | None) -> None:
    """Add the layout of one folder: two folders with known names, else train/ and test/, else the files themselves."""
    by_name = {folder.name.lower(): folder for folder in listing.folders}
    usual = [names for names in NAMED if names[0] in by_name and names[1] in by_name]
    unusual = [(i, m) for i in IMAGE_FOLDERS if i in by_name for m in MASK_FOLDERS if m in by_name]
    choices = [(by_name[image_name], by_name[mask_name]) for image_name, mask_name in usual or unusual]
    sides = _by_split(listing) if split is None else {}
    if len(choices) > 1:
        readings = join_names(f"{images.name}/ with {masks.name}/" for images, masks in choices)
        folders.problems.append(f"{listing.folder} can be read as {readings}: choose with --images and --masks.")
    elif choices:
        _warn_of_unused(folders, listing, choices[0])
        folders.add(*choices[0], split)
    elif sides:
        _warn_of_unused(folders, listing, tuple(sides.values()))
        for side, folder in sides.items():
            inside = folders.list_folder(folder)
            if not inside.problems:
                _add_layout(folders, inside, side)
    elif _folders_of_one_kind(listing) or not listing.files:
        folders.problems.append(_unrecognised(listing))
    else:
        folders.found.append(DataFolder(listing, None, split))


def _warn_of_unused(folders: DataFolders, listing: Listing, used: tuple[Path, ...]) -> None:
    """Warn of image files, and of folders whose names promise some, that a layout leaves out."""
    sides = [folder for folder in listing.folders if folder.name.lower() in SPLITS and folder not in used]
    unused = [folder.name + "/" for folder in sides] + [file.name for file in listing.files]
    if unused:
        names = join_names(folder.name + "/" for folder in used)
        folders.warnings.append(f"{listing.folder} was read by its folders {names}; left out: {join_names(unused)}.")


def _by_split(listing: Listing) -> dict[str, Path]:
    """The subfolders named after a side of the split; of two with one meaning, such as val/ and valid/, the first."""
    sides: dict[str, Path] = {}
    for folder in listing.folders:
        side = SPLITS.get(folder.name.lower())
        if side:
            sides.setdefault(side, folder)
    return {side: sides[side] for side in SIDES if side in sides}


def _folders_of_one_kind(listing: Listing) -> list[str]:
    """The names of subfolders of images or of masks."""
    return [folder.name for folder in listing.folders if folder.name.lower() in IMAGE_FOLDERS + MASK_FOLDERS]


def _without_files(listing: Listing, kind: str) -> str:
    """The problem of a folder without image files."""
    inside = f", only {join_names(f.name + '/' for f in listing.folders)}" if listing.folders else ""
    return f"{listing.folder} holds no {kind} files{inside}: put PNG, JPEG, BMP or TIFF files directly into it."


def _unrecognised(listing: Listing) -> str:
    """The problem of a folder that has none of the layouts."""
    folder = listing.folder
    for name in _folders_of_one_kind(listing):
        other = "masks" if name.lower() in IMAGE_FOLDERS else "images"
        return f"{folder} has {name}/ but no folder of {other}: add {other}/, or use --images and --masks."
    for inner in listing.folders:
        deeper = DataFolders()
        _add_layout(deeper, list_folder(inner), None)
        if deeper.found:
            return f"{folder} holds no images itself, but {inner} does: give that folder."
    if listing.folders:
        names = join_names(f.name + "/" for f in listing.folders)
        return f"{folder} holds no images/ and masks/, only {names}: rename these, or use --images and --masks."
    return f"{folder} holds no images: put them into {folder / 'images'} and their masks into {folder / 'masks'}."
