"""The choice of folders: which folders in a folder hold images, and which hold their masks, by their names."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from minunet.data.finding.folder_names import SIDES, FolderRole, folder_role
from minunet.data.finding.listing import Listing, list_folder, list_tree
from minunet.data.finding.numbered_twins import numbered_twins, twin_note
from minunet.wording import join_names

USUAL = (("images", "masks"), ("imgs", "masks"), ("original", "mask"), ("image", "label"))  # these win over all others


@dataclass(frozen=True)
class ChosenFolders:
    """A folder of images and the folder of their masks.

    Attributes
    ----------
    images, masks : Path
    split : "train", "validation", "test" or None
    prefix : str
        What the names of the pairs begin with, where several such folders have one side: "2d/".
    """

    images: Path
    masks: Path
    split: str | None = None
    prefix: str = ""


@dataclass
class FolderChoice:
    """What was chosen among the folders in a folder.

    Attributes
    ----------
    chosen : list of ChosenFolders
    without_masks : list of Path
        Folders of images for validation or test whose masks are not there.
    problems, notes : list of str
    """

    chosen: list[ChosenFolders] = field(default_factory=list)
    without_masks: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def used(self) -> list[Path]:
        """Every folder that was chosen."""
        return list(dict.fromkeys(folder for chosen in self.chosen for folder in (chosen.images, chosen.masks)))


def choose_folders(listing: Listing, numbered: bool = True) -> FolderChoice:
    """Choose the folders of images and of masks in a folder; nothing is chosen where their names do not tell.

    Parameters
    ----------
    listing : Listing
    numbered : bool
        Whether of masks of the same images those are chosen that number their cells; see `numbered_twins`.
    """
    choice = FolderChoice()
    roles = [folder_role(folder) for folder in listing.folders]
    lone_masks: list[Path] = []
    for side in (None, *SIDES):
        images = [role for role in roles if role.kind == "images" and role.split == side]
        masks = [role for role in roles if role.kind == "masks" and role.split == side]
        if side and masks and not images:  # train/ beside train_masks/
            images = [role for role in roles if role.kind is None and role.split == side and not role.rest]
            images = [role for role in images if list_folder(role.folder).files]
        if images and masks:
            twins = numbered_twins(masks)
            chosen = _choose(choice, listing, images, [m for m in masks if m.folder not in twins.values()], side)
            choice.chosen += [_with_numbers(choice, one, twins) if numbered else one for one in chosen]
        elif images and side in SIDES[1:]:
            choice.without_masks += [role.folder for role in images]
        elif masks and side:
            lone_masks += [role.folder for role in masks]
    if choice.chosen:
        choice.problems += [
            f"{folder} has no counterpart in {listing.folder}: add its images or move it out." for folder in lone_masks
        ]
    else:
        choice.without_masks.clear()
    return choice


def folders_of_kind(listing: Listing, kind: str) -> list[FolderRole]:
    """The folders in a folder whose names say that they hold images, or masks, of no side of a split."""
    roles = [folder_role(folder) for folder in listing.folders]
    return [role for role in roles if role.kind == kind and role.split is None]


def folders_by_side(listing: Listing) -> dict[str, Path]:
    """The subfolders named after a side of the split; of two with one meaning, such as val/ and valid/, the first."""
    sides: dict[str, Path] = {}
    for folder in listing.folders:
        role = folder_role(folder)
        if role.split and role.kind is None:
            sides.setdefault(role.split, folder)
    return {side: sides[side] for side in SIDES if side in sides}


def holds_masks(folder: Path, endings: Collection[str] = (".json", ".geojson")) -> bool:
    """Whether there is an image file, or one with one of the endings, in a folder, at any depth."""
    tree = list_tree(folder)
    return bool(tree.files) or any(file.suffix.lower() in endings for file in tree.others)


def _choose(
    choice: FolderChoice, listing: Listing, images: list[FolderRole], masks: list[FolderRole], side: str | None
) -> list[ChosenFolders]:
    """The folders of images with those of their masks; none, and a problem, where several can be meant."""
    by_name = {folder.name.lower(): folder for folder in listing.folders}
    usual = [(by_name[i], by_name[m]) for i, m in USUAL if i in by_name and m in by_name] if side is None else []
    if len(usual) == 1:
        return [ChosenFolders(*usual[0], side)]
    if not usual:
        if len(images) > 1:
            images = [role for role in images if list_tree(role.folder).files] or images
        masks = _with_files(choice, masks)
    pairs = usual or [(image.folder, mask.folder) for image in images for mask in masks]
    if len(pairs) == 1:
        return [ChosenFolders(*pairs[0], side)]
    same_rest = [] if usual else _by_rest(images, masks)
    if same_rest:
        return [
            ChosenFolders(image.folder, mask.folder, side, "-".join(image.rest) + "/" if len(same_rest) > 1 else "")
            for image, mask in same_rest
        ]
    readings = join_names(f"{image.name}/ with {mask.name}/" for image, mask in pairs)
    ways = [f"--images {shlex.quote(str(image))} --masks {shlex.quote(str(mask))}" for image, mask in pairs[:3]]
    choice.problems.append(f"{listing.folder} can be read as {readings}: choose with {' or '.join(ways)}.")
    return []


def _with_numbers(choice: FolderChoice, chosen: ChosenFolders, twins: dict[Path, Path]) -> ChosenFolders:
    """The folders with the masks that number the cells, where there are such."""
    twin = twins.get(chosen.masks)
    if twin is None:
        return chosen
    choice.notes.append(twin_note(chosen.masks, twin))
    return replace(chosen, masks=twin)


def _with_files(choice: FolderChoice, masks: list[FolderRole]) -> list[FolderRole]:
    """The folders of masks that are not empty; of the two of Pascal VOC the one that numbers the objects."""
    if len(masks) < 2:
        return masks
    filled = [role for role in masks if holds_masks(role.folder)] or masks
    by_name = {role.folder.name.lower(): role for role in filled}
    if by_name.keys() >= {"segmentationclass", "segmentationobject"}:
        objects, classes = by_name["segmentationobject"].folder, by_name["segmentationclass"].folder
        choice.notes.append(
            f"masks are read from {objects.name}/, which numbers the cells; for {classes.name}/ give it with --masks."
        )
        return [by_name["segmentationobject"]]
    return filled


def _by_rest(images: Sequence[FolderRole], masks: Sequence[FolderRole]) -> list[tuple[FolderRole, FolderRole]]:
    """Folders whose names agree in the other words, such as 2d_images and 2d_masks, where each has exactly one counterpart."""
    pairs = [(image, mask) for image in images for mask in masks if image.rest == mask.rest]
    if len(pairs) == len(images) == len(masks) == len({mask.folder for _, mask in pairs}):
        return pairs
    return []
