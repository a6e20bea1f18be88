"""Layouts: the ways in which images and masks are arranged in folders.

A layout is recognised by the names of folders; which mask belongs to which image is decided by the names of the files.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from minunet.data.finding.cell_folders import find_cell_folders
from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.data_folders import DataFolders, left_out_note
from minunet.data.finding.flat_folder import masks_by_name, separate
from minunet.data.finding.folder_choice import choose_folders, folders_by_side, folders_of_kind, holds_masks
from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.listing import Listing, is_pattern, list_folder, list_pattern, list_tree
from minunet.data.finding.matching import Pair
from minunet.data.finding.numbered_twins import numbered_twins, twin_note
from minunet.data.finding.outline_pairs import match_outlines, outline_candidates
from minunet.data.finding.shared_outlines import add_shared_outlines
from minunet.data.finding.unrecognised_folder import why_unrecognised
from minunet.data.outlines.outline_file import OUTLINE_ENDINGS
from minunet.files.names import resolved
from minunet.wording import join_names

DEEPEST = 8  # folders in folders; deeper ones are not looked into


def find_data_folders(data: Path | None, images: Path | None, masks: Path | None, numbered: bool = True) -> DataFolders:
    """Find the pairs of a data set.

    Parameters
    ----------
    data : Path or None
        One folder in any known layout.
    images, masks : Path or None
        The two folders themselves, in place of `data`, or patterns of the names of files in one folder, `smears/*_gt.png`.
        With `data` and `masks` alone, the images are those of `data`.
    numbered : bool
        Whether instances/ beside masks/ is read where both have the same names, since it numbers the cells.
    """
    folders = DataFolders(numbered=numbered)
    if data is not None and images is not None:
        folders.problems.append(
            "a data folder and --images were given: give the folder, or --images and --masks; with the folder, --masks alone "
            "gives its images other masks."
        )
    elif data is not None and masks is not None:
        _add_with_other_masks(folders, data, masks)
    elif data is not None:
        _explore(folders, data)
    elif images is not None and masks is not None:
        if resolved(images) == resolved(masks) and not is_pattern(images):
            _explore(folders, images)
        elif masks.suffix.lower() in OUTLINE_ENDINGS and os.path.isfile(masks):
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


def _add_with_other_masks(folders: DataFolders, data: Path, masks: Path) -> None:
    """Add the images of a data folder, those in its folder of images or else those in itself, with masks from elsewhere."""
    listing = folders.list_folder(data)
    if listing.problems:
        return
    inside = [role.folder for role in folders_of_kind(listing, "images") if list_tree(role.folder).files]
    if len(inside) == 1 or (listing.files and os.path.isfile(masks)):
        folders.absorb(find_data_folders(None, inside[0] if inside else data, masks))
        return
    if listing.files and not inside:  # of images beside their masks only the images
        folders.match_listings(*_given(data, masks))
        return
    what = join_names(folder.name + "/" for folder in inside) if inside else "no folder images/ and no image files"
    folders.problems.append(
        f"--masks {masks}: {data} holds {what}: say with --images in place of DATA which images are meant."
    )


def _given(images: Path, masks: Path) -> tuple[Listing, Listing]:
    """The files of --images and --masks where one of them is a pattern."""
    mask_files = list_pattern(masks) if is_pattern(masks) else list_tree(masks, without=images)
    if is_pattern(images):
        image_files, others = list_pattern(images), set(mask_files.files)
    else:
        image_files = list_folder(images)
        others = set(mask_files.files) | set(masks_by_name(image_files))
    return replace(image_files, files=[file for file in image_files.files if file not in others]), mask_files


def _explore(folders: DataFolders, data: Path) -> None:
    listing = folders.list_folder(data)
    if not listing.problems:
        _add_layout(folders, listing, None)


def _add_layout(folders: DataFolders, listing: Listing, split: str | None, prefix: str = "", depth: int = 0) -> None:
    """Add the layout of one folder: two folders with known names, else train/ and test/, else its files and folders."""
    folders.seen.add(resolved(listing.folder))
    choice = choose_folders(listing, folders.numbered)
    folders.problems += choice.problems
    folders.has_masks |= bool(choice.problems)
    folders.notes += choice.notes
    if choice.chosen:
        _warn_of_unused(folders, listing, [*choice.used, *choice.without_masks])
        for chosen in choice.chosen:
            folders.add(chosen.images, chosen.masks, chosen.split or split, prefix + chosen.prefix)
        folders.notes += [left_out_note(folder) for folder in choice.without_masks]
    elif not choice.problems and not add_shared_outlines(folders, listing, split, prefix):
        sides = folders_by_side(listing) if split is None else {}
        if sides:
            _add_split(folders, listing, sides, prefix, depth)
        else:
            _add_files_and_folders(folders, listing, split, prefix, depth)


def _add_split(folders: DataFolders, listing: Listing, sides: dict[str, Path], prefix: str, depth: int) -> None:
    """Add train/, validation/ and test/; those for validation and test may have no masks."""
    inside = {}
    for side, folder in sides.items():
        found = inside[side] = DataFolders(seen=folders.seen, numbered=folders.numbered)
        inner = found.list_folder(folder)
        if not inner.problems:
            _add_layout(found, inner, side, prefix, depth + 1)
    _warn_of_unused(folders, listing, list(sides.values()))
    for side, found in inside.items():
        others = any(other.pairs for name, other in inside.items() if name != side)
        if others and side != "train" and not found.has_masks and list_tree(sides[side]).files:
            folders.notes.append(left_out_note(sides[side]))
        else:
            folders.absorb(found)


def _add_files_and_folders(folders: DataFolders, listing: Listing, split: str | None, prefix: str, depth: int) -> None:
    """Add the files of a folder, and the layouts of the folders in it."""
    cells = find_cell_folders(listing, split, prefix)
    if cells is not None:
        folders.take(cells)
        return
    if listing.files and not separate(listing).masks:
        masks = _masks_beside(folders, listing)
        if masks is not None:
            folders.add(listing.folder, masks, split, prefix)
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
        folders.problems.append(why_unrecognised(listing))
    for _, inside in deeper:
        folders.absorb(inside)
    if any(inside.pairs for _, inside in deeper):
        names = join_names(f"{folder.relative_to(listing.folder)}/" for folder, _ in deeper)
        folders.notes.append(
            f"{listing.folder} was read by {'its folder' if len(deeper) == 1 else 'its folders'} {names}."
        )


def _masks_beside(folders: DataFolders, listing: Listing) -> Path | None:
    """The one folder of masks in a folder of images, or the one that numbers their cells; None where it is not clear."""
    masks = [role for role in folders_of_kind(listing, "masks") if holds_masks(role.folder, OUTLINE_ENDINGS)]
    twins = numbered_twins(masks)
    left = [role.folder for role in masks if role.folder not in twins.values()]
    if len(left) != 1:
        return None
    if folders.numbered and left[0] in twins:
        folders.notes.append(twin_note(left[0], twins[left[0]]))
        return twins[left[0]]
    return left[0]


def _deeper(
    folders: DataFolders, listing: Listing, split: str | None, prefix: str, depth: int
) -> list[tuple[Path, DataFolders]]:
    """The folders in a folder in which there are masks, with what was found in each."""
    found, left_out = [], []
    for folder in listing.folders:
        if resolved(folder) in folders.seen:  # at the end of a link
            continue
        inside = DataFolders(seen=folders.seen, numbered=folders.numbered)
        inner = inside.list_folder(folder)
        if not inner.problems:
            _add_layout(inside, inner, split, "", depth + 1)
        if inside.has_masks:
            found.append((folder, inside))
        elif images := list_tree(folder).files:
            left_out.append(left_out_note(folder, len(images)))
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
    return replace(pair, name=f"{side}{prefix}{pair.name.removeprefix(side)}")


def _warn_of_unused(folders: DataFolders, listing: Listing, used: list[Path]) -> None:
    """Warn of image files, and of folders whose names promise some, that a layout leaves out."""
    sides = [folder for folder in listing.folders if folder_role(folder).split and folder not in used]
    unused = [folder.name + "/" for folder in sides] + [file.name for file in listing.files]
    if unused:
        names = join_names(folder.name + "/" for folder in used)
        folders.warnings.append(f"{listing.folder} was read by its folders {names}; left out: {join_names(unused)}.")
