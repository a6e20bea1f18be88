"""Cell folders: one folder for each image, in which every cell has a mask of its own, as in the 2018 Data Science Bowl.

Each folder holds an image, or a folder of one image, and a folder of masks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.listing import Listing, list_folder
from minunet.data.finding.matching import MatchedFolder, Pair
from minunet.data.finding.naming import FILE_MASK_WORDS, words
from minunet.wording import count_noun, join_names

SHARE = 0.8  # of the folders in a folder that have to look so


@dataclass(frozen=True)
class _ImageFolder:
    """A folder with one image, the folder of its masks where there is one, and the files of the masks."""

    folder: Path
    image: Path
    masks: Path | None
    files: list[Path]


def find_cell_folders(listing: Listing, split: str | None, prefix: str) -> MatchedFolder | None:
    """The pairs of a folder in which most folders hold one image each; None for other folders.

    Where every image has only one mask file, that file is the mask, whatever its name.
    """
    if len(listing.folders) < 2:
        return None
    found = [image for folder in listing.folders if (image := _image_folder(folder))]
    with_masks = [image for image in found if image.files]
    if len(with_masks) < 2 or len(found) < SHARE * len(listing.folders):
        return None
    cells = MatchedFolder()
    stems = Counter(image.image.stem for image in found)
    single = all(len(image.files) == 1 for image in with_masks)
    for image in found:
        if not image.files:
            cells.unpaired.append(
                f"{image.image} has no mask: add its masks to {image.folder / 'masks'} or take the image out."
            )
            continue
        stem = image.image.stem
        name = prefix + (stem if stems[stem] == 1 else f"{image.folder.name}/{stem}")
        mask = image.files[0] if single or image.masks is None else image.masks
        cells.pairs.append(Pair(f"{split}/{name}" if split else name, image.image, mask, split))
    left_out = len(listing.folders) - len(found)
    if not single:
        count = sum(len(image.files) for image in with_masks)
        cells.notes.append(
            f"{listing.folder} holds one folder an image and one mask a cell: {count_noun(count, 'mask file')} of "
            f"{count_noun(len(with_masks), 'image')} are merged."
        )
    if left_out:
        others = sorted(set(listing.folders) - {image.folder for image in found})
        cells.notes.append(f"left out, without an image in them: {join_names(folder.name + '/' for folder in others)}.")
    return cells


def _image_folder(folder: Path) -> _ImageFolder | None:
    """What is in a folder of one image; None where there are more images, or none."""
    listing = list_folder(folder)
    roles = [folder_role(inner) for inner in listing.folders]
    images = [role.folder for role in roles if role.kind == "images"]
    of_masks = [role for role in roles if role.kind == "masks"]
    masks = [role.folder for role in [role for role in of_masks if not role.numbers_cells] or of_masks]
    if len(masks) > 1 or len(images) > 1:
        return None
    if images:
        files = list_folder(images[0]).files
        return _one_image(folder, files, masks)
    if masks:
        return _one_image(folder, listing.files, masks)
    if len(listing.files) == 2 and not listing.folders:
        named = [file for file in listing.files if words(file.stem) & FILE_MASK_WORDS]
        if len(named) == 1:
            (image,) = (file for file in listing.files if file not in named)
            return _ImageFolder(folder, image, None, named)
    return None


def _one_image(folder: Path, files: list[Path], masks: list[Path]) -> _ImageFolder | None:
    if len(files) != 1:
        return None
    return _ImageFolder(folder, files[0], masks[0] if masks else None, list_folder(masks[0]).files if masks else [])
