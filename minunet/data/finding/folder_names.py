"""Folder names: what the name of a folder says about its content: images or masks, and the side of a split.

`train_images`, `imagesTr` and `Training Images` say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.name_words import MASK_WORDS, split_words

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
SHORT_SPLITS = {"tr": "train", "ts": "test"}  # as in imagesTr, never alone

_IMAGES = "image images img imgs original originals raw raws input inputs photo photos"
IMAGE_WORDS = frozenset(_IMAGES.split())
FOLDER_MASK_WORDS = MASK_WORDS | {"truths", "segmentationclass", "segmentationobject"}
NUMBERING_WORDS = frozenset({"instance", "instances"})  # of masks that number their cells
FILLING_WORDS = frozenset({"ground", "jpeg", "cp"})  # of which the name of an image or mask folder may have some more


@dataclass(frozen=True)
class FolderRole:
    """What a folder's name says.

    Attributes
    ----------
    folder : Path
    kind : "images", "masks" or None
    split : "train", "validation", "test" or None
    rest : tuple of str
        The other words, in small letters, such as ("2d",) of 2d_images.
    numbers_cells : bool
        Whether the name says that masks number their cells, as instances/ and instance_masks/ do.
    """

    folder: Path
    kind: str | None
    split: str | None
    rest: tuple[str, ...]
    numbers_cells: bool = False


def folder_role(folder: Path) -> FolderRole:
    """Read the name of a folder."""
    kind, split, rest = None, None, []
    for word in _words(folder.name):
        if word in FOLDER_MASK_WORDS:
            kind = "masks"  # also of image_masks
        elif word in IMAGE_WORDS:
            kind = kind or "images"
        elif word in SPLITS and split is None:
            split = SPLITS[word]
        elif word not in FILLING_WORDS:
            rest.append(word)
    if kind and split is None and rest and rest[-1] in SHORT_SPLITS:
        split = SHORT_SPLITS[rest.pop()]
    numbers_cells = bool(rest) and NUMBERING_WORDS.issuperset(rest)
    if numbers_cells and kind is None:
        kind = "masks"
    return FolderRole(folder, kind, split, tuple(rest), numbers_cells and kind == "masks")


def _words(name: str) -> list[str]:
    """The words of a name in small letters; a side that is written together with its kind, as in trainannot, is two."""
    if name.casefold() in FOLDER_MASK_WORDS | IMAGE_WORDS:
        return [name.casefold()]
    words = []
    for word in split_words(name):
        words += next(
            (
                [side, word.removeprefix(side)]
                for side in sorted(SPLITS, key=len, reverse=True)
                if word.startswith(side) and word.removeprefix(side) in FOLDER_MASK_WORDS | IMAGE_WORDS
            ),
            [word],
        )
    return words
