"""Layouts: the ways in which images and masks are arranged in folders.

A layout is recognised by the names of folders; which mask belongs to which image is decided by the names of the files.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from minunet.data.finding.cell_folders import find_cell_folders
from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.flat_folder import masks_by_name, separate
from minunet.data.finding.folder_choice import choose_folders, folders_of_kind, holds_masks
from minunet.data.finding.folder_names import SIDES, folder_role
from minunet.data.finding.listing import Listing, is_pattern, list_folder, list_pattern, list_tree
from minunet.data.finding.matching import MatchedFolder, Pair, match_masks
from minunet.data.finding.outline_pairs import match_outlines, outline_candidates
from minunet.data.finding.unread_files import why_no_files
from minunet.data.outlines.outline_file import ENDINGS, read_outlines
from minunet.errors import UserError
from minunet.files.names import resolved
from minunet.wording import count_noun, join_names

DEEPEST = 8  # folders in folders; deeper ones are not looked into
MOST_TRIED = 6  # folders of unknown names whose files are compared


@dataclass
class DataFolders:
    """What was found in the folders of a data set.

    Attributes
    ----------
    pairs : list of Pair
    problems : list of str
    unpaired : list of str
        A sentence for each image without a mask.
    lone_masks : list of str
        A sentence for each mask without an image.
    notes : list of str
        What was decided by the names.
    warnings : list of str
        What is unusual, or left out.
    has_masks : bool
        Whether there were files that are masks, matched or not.
    """

    pairs: list[Pair] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unpaired: list[str] = field(default_factory=list)
    lone_masks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    has_masks: bool = False
    seen: set[Path] = field(default_factory=set)

    def list_folder(self, folder: Path) -> Listing:
        """List a folder and note what is wrong with it."""
        listing = list_folder(folder)
        self.problems += listing.problems
        self.warnings += listing.warnings
        return listing

    def match(self, folder: DataFolder) -> None:
        """Match the masks of a folder with its images, and note what does not fit."""
        found = match_masks(folder)
        self.take(found)

    def take(self, found: MatchedFolder) -> None:
        """Add what was matched."""
        self.has_masks |= bool(found.pairs or found.lone_masks or found.problems)
        self.pairs += found.pairs
        self.problems += found.problems
        self.unpaired += found.unpaired
        self.lone_masks += found.lone_masks
        self.notes += found.notes

    def add(self, images: Path, masks: Path, split: str | None = None, prefix: str = "") -> None:
        """Add a folder of images and one of masks, or their subfolders train/, test/ where they hold no files themselves."""
        image_sides, mask_sides = ({} if (top := list_folder(f)).files else _by_split(top) for f in (images, masks))
        if split is None and image_sides and mask_sides:
            self._add_sides(images, masks, image_sides, mask_sides, prefix)
            return
        image_files, mask_files = list_tree(images, without=masks), list_tree(masks, without=images)
        if resolved(images) in resolved(masks).parents and folder_role(images).kind is None:
            image_files = list_folder(images)  # images beside the folder of their masks, and perhaps other folders
        self.match_listings(image_files, mask_files, split, prefix)

    def match_listings(self, images: Listing, masks: Listing, split: str | None = None, prefix: str = "") -> None:
        """Match the files of two listings."""
        if images.files and not masks.files and (outlines := outline_candidates(masks.others, images.files)):
            found = match_outlines(DataFolder(images, masks, split, prefix), outlines)
            if found is not None:
                self.take(found)
                return
        for listing, kind in ((images, "image"), (masks, "mask")):
            self.problems += listing.problems
            self.warnings += listing.warnings
            if not listing.files and not listing.problems:
                self.has_masks |= bool(listing.others)
                self.problems.append(why_no_files(listing, kind))
        if images.files and masks.files:
            self.match(DataFolder(images, masks, split, prefix))

    def absorb(self, other: DataFolders) -> None:
        """Add what was found in another folder."""
        for name in ("pairs", "problems", "unpaired", "lone_masks", "notes", "warnings"):
            getattr(self, name).extend(getattr(other, name))
        self.has_masks |= other.has_masks

    def _add_sides(
        self, images: Path, masks: Path, image_sides: dict[str, Path], mask_sides: dict[str, Path], prefix: str
    ) -> None:
        without_masks = [side for side in image_sides if side not in mask_sides]
        without_images = [side for side in mask_sides if side not in image_sides]
        for side in (side for side in SIDES if side in image_sides and side in mask_sides):
            self.add(image_sides[side], mask_sides[side], side, prefix)
        for side in without_masks:
            if side != "train" and not without_images:
                self.notes.append(_left_out(image_sides[side]))
            else:
                self.problems.append(f"{image_sides[side]} has no counterpart in {masks}: add one or move it out.")
        for side in without_images:
            self.problems.append(f"{mask_sides[side]} has no counterpart in {images}: add one or move it out.")


def find_data_folders(data: Path | None, images: Path | None, masks: Path | None) -> DataFolders:
    """Find the pairs of a data set.

    Parameters
    ----------
    data : Path or None
        One folder in any known layout.
    images, masks : Path or None
        The two folders themselves, in place of `data`, or patterns of the names of files in one folder, `smears/*_gt.png`.
    """
    folders = DataFolders()
    if data is not None and (images is not None or masks is not None):
        folders.problems.append("a data folder and --images or --masks were given: give the folder, or the other two.")
    elif data is not None:
        _explore(folders, data)
    elif images is not None and masks is not None:
        if resolved(images) == resolved(masks) and not is_pattern(images):
            _explore(folders, images)
        elif masks.suffix.lower() in ENDINGS and os.path.isfile(masks):
            listing = list_tree(images)
            folders.match_listings(listing, Listing(masks.parent, others=[masks]))
        elif is_pattern(images) or is_pattern(masks):
            folders.match_listings(*_given(images, masks))
        else:
            folders.add(images, masks)
    elif images is not None or masks is not None:
        given, missing = ("--images", "--masks") if images is not None else ("--masks", "--images")
        folders.problems.append(f"{given} was given without {missing}: give both, or one folder that holds both.")
    else:
        folders.problems.append("no data were given: name a folder, or give both --images and --masks.")
    return folders


def _given(images: Path, masks: Path) -> tuple[Listing, Listing]:
    """The files of --images and --masks where one of them is a pattern."""
    mask_files = list_pattern(masks) if is_pattern(masks) else list_tree(masks, without=images)
    if is_pattern(images):
        image_files, others = list_pattern(images), set(mask_files.files)
    else:
        image_files = list_folder(images)
        others = set(mask_files.files) | set(masks_by_name(image_files))
    image_files.files[:] = [file for file in image_files.files if file not in others]
    return image_files, mask_files


def _explore(folders: DataFolders, data: Path) -> None:
    listing = folders.list_folder(data)
    if not listing.problems:
        _add_layout(folders, listing, None)


def _add_layout(folders: DataFolders, listing: Listing, split: str | None, prefix: str = "", depth: int = 0) -> None:
    """Add the layout of one folder: two folders with known names, else train/ and test/, else its files and folders."""
    folders.seen.add(resolved(listing.folder))
    choice = choose_folders(listing)
    folders.problems += choice.problems
    folders.has_masks |= bool(choice.problems)
    folders.notes += choice.notes
    if choice.chosen:
        _warn_of_unused(folders, listing, [*choice.used, *choice.without_masks])
        for chosen in choice.chosen:
            folders.add(chosen.images, chosen.masks, chosen.split or split, prefix + chosen.prefix)
        folders.notes += [_left_out(folder) for folder in choice.without_masks]
    elif not choice.problems and not _add_outlines_of_all(folders, listing, split, prefix):
        sides = _by_split(listing) if split is None else {}
        if not (sides and _add_split(folders, listing, sides, prefix, depth)):
            _add_files_and_folders(folders, listing, split, prefix, depth)


def _add_outlines_of_all(folders: DataFolders, listing: Listing, split: str | None, prefix: str) -> bool:
    """Add the images in a folder, at any depth, whose outlines are in one file; False where there is no such file."""
    places = [listing, *(list_folder(folder) for folder in folders_of_kind(listing, "masks"))]
    files = [file for place in places for file in place.others if file.suffix.lower() == ".json"]
    if not files:
        return False
    images = list_tree(listing.folder)
    if not images.files or (files := [file for file in files if _holds_many(file, images.files)]) == []:
        return False
    sources = [read_outlines(file) for file in files]
    in_files = {image.parent for image in images.files if any(source.find(image) for source in sources)}
    stated = {image.parent for image in images.files if any(source.states_folders_of(image) for source in sources)}
    for folder in dict.fromkeys(image.parent for image in images.files):
        if folder not in (stated or in_files):
            own = [image for image in images.files if image.parent == folder]
            folders.notes.append(f"{folder} holds {count_noun(len(own), 'image')} without outlines: left out.")
    sides: dict[str | None, list[Path]] = {}
    for image in (image for image in images.files if image.parent in (stated or in_files)):
        top = folder_role(listing.folder / image.relative_to(listing.folder).parts[0])
        side = None if image.parent == listing.folder else top.split
        sides.setdefault(split or side, []).append(image)
    added = False
    for side, own in sides.items():
        found = match_outlines(DataFolder(Listing(listing.folder, own), None, side, prefix), files)
        if found is None and side in SIDES[1:]:
            folders.notes.append(
                f"{count_noun(len(own), 'image')} for {side} without masks left out, such as {own[0]}."
            )
        elif found is None:
            folders.unpaired += [f"{image} has no mask: add its outlines or take the image out." for image in own]
        else:
            if len(sides) > 1:
                found.lone_masks.clear()  # the images of the other sides
            folders.take(found)
            added = True
    return added


def _holds_many(file: Path, images: list[Path]) -> bool:
    """Whether a JSON file holds outlines of several images by their names, and of one of these."""
    try:
        outlines = read_outlines(file)
    except UserError:
        return False
    return any(outlines.find(image) is not None for image in images)


def _add_split(folders: DataFolders, listing: Listing, sides: dict[str, Path], prefix: str, depth: int) -> bool:
    """Add train/, validation/ and test/; those for validation and test may have no masks. False where none has a mask."""
    inside = {}
    for side, folder in sides.items():
        found = inside[side] = DataFolders(seen=folders.seen)
        inner = found.list_folder(folder)
        if not inner.problems:
            _add_layout(found, inner, side, prefix, depth + 1)
    _warn_of_unused(folders, listing, list(sides.values()))
    for side, found in inside.items():
        others = any(other.pairs for name, other in inside.items() if name != side)
        if others and side != "train" and not found.has_masks and list_tree(sides[side]).files:
            folders.notes.append(_left_out(sides[side]))
        else:
            folders.absorb(found)
    return True


def _add_files_and_folders(folders: DataFolders, listing: Listing, split: str | None, prefix: str, depth: int) -> None:
    """Add the files of a folder, and the layouts of the folders in it."""
    cells = find_cell_folders(listing, split, prefix)
    if cells is not None:
        folders.pairs += cells.pairs
        folders.unpaired += cells.unpaired
        folders.notes += cells.notes
        folders.has_masks = True
        return
    mask_folders = [folder for folder in folders_of_kind(listing, "masks") if holds_masks(folder, ENDINGS)]
    if listing.files and not separate(listing).masks:
        if len(mask_folders) == 1:
            folders.add(listing.folder, mask_folders[0], split, prefix)
            return
        found = match_outlines(
            DataFolder(listing, None, split, prefix), outline_candidates(listing.others, listing.files)
        )
        if found is not None:
            folders.take(found)
            return
    deeper = [] if depth >= DEEPEST else _deeper(folders, listing, split, prefix, depth)
    if listing.files:
        own = DataFolders()
        own.match(DataFolder(listing, None, split, prefix))
        if own.has_masks or own.problems or not deeper:
            folders.absorb(own)
        else:
            folders.warnings.append(
                f"{listing.folder} was read by its folders; left out: {join_names(f.name for f in listing.files)}."
            )
    elif not deeper:
        folders.problems.append(_unrecognised(listing))
    for _, inside in deeper:
        folders.absorb(inside)
    if any(inside.pairs for _, inside in deeper):
        names = join_names(f"{folder.relative_to(listing.folder)}/" for folder, _ in deeper)
        folders.notes.append(
            f"{listing.folder} was read by {'its folder' if len(deeper) == 1 else 'its folders'} {names}."
        )


def _deeper(
    folders: DataFolders, listing: Listing, split: str | None, prefix: str, depth: int
) -> list[tuple[Path, DataFolders]]:
    """The folders in a folder in which there are masks, with what was found in each."""
    found, left_out = [], []
    for folder in listing.folders:
        if resolved(folder) in folders.seen:  # at the end of a link
            continue
        inside = DataFolders(seen=folders.seen)
        inner = inside.list_folder(folder)
        if not inner.problems:
            _add_layout(inside, inner, split, "", depth + 1)
        if inside.has_masks:
            found.append((folder, inside))
        elif images := list_tree(folder).files:
            left_out.append(_left_out(folder, len(images)))
    if found:
        folders.notes += left_out
    several = len(found) > 1 or bool(listing.files)
    for folder, inside in found:
        start = f"{folder.name}/" if several else ""
        inside.pairs = [_renamed(pair, prefix + start) for pair in inside.pairs]
    return found


def _renamed(pair: Pair, prefix: str) -> Pair:
    """The pair with a beginning of its name, behind that of the side of the split."""
    side = f"{pair.split}/" if pair.split else ""
    return Pair(f"{side}{prefix}{pair.name.removeprefix(side)}", pair.image, pair.mask, pair.split, pair.page)


def _warn_of_unused(folders: DataFolders, listing: Listing, used: list[Path]) -> None:
    """Warn of image files, and of folders whose names promise some, that a layout leaves out."""
    sides = [folder for folder in listing.folders if folder_role(folder).split and folder not in used]
    unused = [folder.name + "/" for folder in sides] + [file.name for file in listing.files]
    if unused:
        names = join_names(folder.name + "/" for folder in used)
        folders.warnings.append(f"{listing.folder} was read by its folders {names}; left out: {join_names(unused)}.")


def _by_split(listing: Listing) -> dict[str, Path]:
    """The subfolders named after a side of the split; of two with one meaning, such as val/ and valid/, the first."""
    sides: dict[str, Path] = {}
    for folder in listing.folders:
        role = folder_role(folder)
        if role.split and role.kind is None:
            sides.setdefault(role.split, folder)
    return {side: sides[side] for side in SIDES if side in sides}


def _left_out(folder: Path, count: int | None = None) -> str:
    """The note on a folder of images without masks."""
    count = len(list_tree(folder).files) if count is None else count
    return f"{folder} holds {count_noun(count, 'image')} without masks: left out."


def _unrecognised(listing: Listing) -> str:
    """The problem of a folder that has none of the layouts."""
    folder = listing.folder
    tried = listing.folders[:MOST_TRIED]
    matching = [two for two in combinations(tried, 2) if _match(*two)]
    if len(matching) == 1:
        first, second = matching[0]
        kinds = [folder_role(inner).kind for inner in (first, second)]
        orders = [(first, second), (second, first)]
        if kinds[0] == "images" or kinds[1] == "masks":
            orders.pop()
        elif kinds[1] == "images" or kinds[0] == "masks":
            orders.pop(0)
        ways = [f"--images {shlex.quote(str(images))} --masks {shlex.quote(str(masks))}" for images, masks in orders]
        return (
            f"{folder} holds no images/ and masks/, but the files of {first.name}/ and {second.name}/ match: choose with "
            f"{', or '.join(ways)}."
        )
    for inner in listing.folders:
        if kind := folder_role(inner).kind:
            other = "masks" if kind == "images" else "images"
            return f"{folder} has {inner.name}/ but no folder of {other}: add {other}/, or use --images and --masks."
    if listing.folders:
        names = join_names(f.name + "/" for f in listing.folders)
        return f"{folder} holds no images/ and masks/, only {names}: rename these, or use --images and --masks."
    return why_no_files(listing, None)


def _match(first: Path, second: Path) -> bool:
    """Whether the files of two folders match by their names."""
    listings = list_tree(first), list_tree(second)
    if not all(listing.files for listing in listings):
        return False
    found = match_masks(DataFolder(*listings))
    return bool(found.pairs) and not (found.problems or found.unpaired or found.lone_masks)
