"""Data folders: what was found in the folders of a data set.

Two folders of images and of masks are added to it, or their subfolders train/ and test/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.folder_choice import folders_by_side
from minunet.data.finding.folder_names import SIDES, folder_role
from minunet.data.finding.listing import Listing, list_folder, list_tree
from minunet.data.finding.matching import MatchedFolder, Pair, match_masks
from minunet.data.finding.outline_pairs import match_outlines, outline_candidates
from minunet.data.finding.unread_files import why_no_files
from minunet.files.names import resolved
from minunet.wording import count_noun


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
    seen : set of Path
        Folders that were looked into, each once, wherever links lead.
    numbered : bool
        Whether of masks of the same images those are read that number their cells.
    """

    pairs: list[Pair] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unpaired: list[str] = field(default_factory=list)
    lone_masks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    has_masks: bool = False
    seen: set[Path] = field(default_factory=set)
    numbered: bool = True

    def list_folder(self, folder: Path) -> Listing:
        """List a folder and note what is wrong with it."""
        listing = list_folder(folder)
        self.problems += listing.problems
        self.warnings += listing.warnings
        return listing

    def match(self, folder: DataFolder) -> None:
        """Match the masks of a folder with its images, and note what does not fit."""
        self.take(match_masks(folder))

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
        image_sides, mask_sides = (
            {} if (top := list_folder(f)).files else folders_by_side(top) for f in (images, masks)
        )
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
                self.notes.append(left_out_note(image_sides[side]))
            else:
                self.problems.append(f"{image_sides[side]} has no counterpart in {masks}: add one or move it out.")
        for side in without_images:
            self.problems.append(f"{mask_sides[side]} has no counterpart in {images}: add one or move it out.")


def left_out_note(folder: Path, count: int | None = None) -> str:
    """The note on a folder of images without masks."""
    count = len(list_tree(folder).files) if count is None else count
    return f"{folder} holds {count_noun(count, 'image')} without masks: left out."
