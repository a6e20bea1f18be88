"""Layouts: the ways people lay out images and masks on disk, and where each of them keeps what.

A layout is recognised by folder names alone; which image belongs to which mask is settled afterwards, by file name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.listing import Listing, list_folder
from minunet.wording import join_names

NAMED = (("images", "masks"), ("imgs", "masks"), ("original", "mask"), ("image", "label"))
IMAGE_FOLDERS = ("images", "imgs", "original", "image", "img", "originals")
MASK_FOLDERS = ("masks", "mask", "label", "labels")
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
class Source:
    """Two lists of files to be paired; `masks` is None where both kinds lie in the folder of the images."""

    images: Listing
    masks: Listing | None
    split: str | None = None


@dataclass
class Found:
    """The sources of a data set, with what is wrong or odd about its folders."""

    sources: list[Source] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def list(self, folder: Path) -> Listing:
        """List a folder and take over what is wrong with it."""
        listing = list_folder(folder)
        self.problems += listing.problems
        self.warnings += listing.warnings
        return listing

    def pair(self, images: Path, masks: Path, split: str | None = None) -> None:
        """Add a source of two folders, or their subfolders train/ and test/ where they hold no files themselves."""
        listings = self.list(images), self.list(masks)
        divided = [{} if listing.files else _by_split(listing) for listing in listings]
        if split is None and divided[0] and divided[1]:
            for name in sorted(divided[0].keys() | divided[1].keys()):
                sides = [folders.get(name) for folders in divided]
                if None in sides:
                    present, other = (sides[0], masks) if sides[0] else (sides[1], images)
                    self.problems.append(f"{present} has no counterpart in {other}: add one or move it out.")
                else:
                    self.pair(*sides, name)
            return
        for listing, kind in zip(listings, ("image", "mask"), strict=True):
            if not listing.files and not listing.problems:
                self.problems.append(empty(listing, kind))
        if listings[0].files and listings[1].files:
            self.sources.append(Source(*listings, split))


def find_sources(data: Path | None, images: Path | None, masks: Path | None) -> Found:
    """Find where the images and masks of a data set lie.

    Parameters
    ----------
    data : Path or None
        One folder in any known layout.
    images, masks : Path or None
        The two folders themselves, in place of `data`.
    """
    found = Found()
    if data is not None and (images is not None or masks is not None):
        found.problems.append("a data folder and --images or --masks were given: give the folder, or the other two.")
    elif data is not None:
        _explore(found, data)
    elif images is not None and masks is not None:
        if images.resolve() == masks.resolve():
            _explore(found, images)
        else:
            found.pair(images, masks)
    elif images is not None or masks is not None:
        given, missing = ("--images", "--masks") if images is not None else ("--masks", "--images")
        found.problems.append(f"{given} was given without {missing}: give both, or one folder that holds both.")
    else:
        found.problems.append("no data were given: name a folder, or give both --images and --masks.")
    return found


def _explore(found: Found, data: Path) -> None:
    listing = found.list(data)
    if not listing.problems:
        _enter(found, listing, None)


def _enter(found: Found, listing: Listing, split: str | None) -> None:
    """Add the layout of one folder: two folders with known names, else train/ and test/, else the files themselves."""
    by_name = {folder.name.lower(): folder for folder in listing.folders}
    named = [pair for pair in NAMED if pair[0] in by_name and pair[1] in by_name]
    loose = [(i, m) for i in IMAGE_FOLDERS if i in by_name for m in MASK_FOLDERS if m in by_name]
    pairs = [(by_name[i], by_name[m]) for i, m in named or loose]
    splits = _by_split(listing) if split is None else {}
    if len(pairs) > 1:
        choices = join_names([f"{images.name}/ with {masks.name}/" for images, masks in pairs])
        found.problems.append(f"{listing.folder} can be read as {choices}: choose with --images and --masks.")
    elif pairs:
        _leave_out(found, listing, pairs[0])
        found.pair(*pairs[0], split)
    elif splits:
        _leave_out(found, listing, tuple(splits.values()))
        for name, folder in splits.items():
            inside = found.list(folder)
            if not inside.problems:
                _enter(found, inside, name)
    elif _lone(listing) or not listing.files:
        found.problems.append(_unrecognised(listing))
    else:
        found.sources.append(Source(listing, None, split))


def _leave_out(found: Found, listing: Listing, used: tuple[Path, ...]) -> None:
    """Tell which image files, and which folders that promise some, a layout passes over."""
    spare = [folder for folder in listing.folders if folder.name.lower() in SPLITS and folder not in used]
    left = [folder.name + "/" for folder in spare] + [file.name for file in listing.files]
    if left:
        taken = join_names([folder.name + "/" for folder in used])
        found.warnings.append(f"{listing.folder} was read by its folders {taken}; left out: {join_names(left)}.")


def _by_split(listing: Listing) -> dict[str, Path]:
    """The subfolders named after a side of the split; of two with one meaning, such as val/ and valid/, the first."""
    sides = {}
    for folder in listing.folders:
        side = SPLITS.get(folder.name.lower())
        if side:
            sides.setdefault(side, folder)
    return {side: sides[side] for side in ("train", "validation", "test") if side in sides}


def _lone(listing: Listing) -> list[str]:
    return [folder.name for folder in listing.folders if folder.name.lower() in IMAGE_FOLDERS + MASK_FOLDERS]


def empty(listing: Listing, kind: str) -> str:
    """The problem of a folder without image files."""
    inside = f", only {join_names([f.name + '/' for f in listing.folders])}" if listing.folders else ""
    return f"{listing.folder} holds no {kind} files{inside}: put PNG, JPEG, BMP or TIFF files directly into it."


def _unrecognised(listing: Listing) -> str:
    folder = listing.folder
    for name in _lone(listing):
        other = "masks" if name.lower() in IMAGE_FOLDERS else "images"
        return f"{folder} has {name}/ but no folder of {other}: add {other}/, or use --images and --masks."
    for inner in listing.folders:
        deeper = Found()
        _enter(deeper, list_folder(inner), None)
        if deeper.sources:
            return f"{folder} holds no images itself, but {inner} does: give that folder."
    if listing.folders:
        names = join_names([f.name + "/" for f in listing.folders])
        return f"{folder} holds no images/ and masks/, only {names}: rename these, or use --images and --masks."
    return f"{folder} holds no images: put them into {folder / 'images'} and their masks into {folder / 'masks'}."
