"""Matching: which mask belongs to which image, by file name only.

A mask has the stem of its image, or that stem followed by _mask or -mask; nothing else matches, so that 1 never finds the
mask of 10. Letters with accents are equal whether they are stored as one character or, as on macOS, in parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.layouts import DataFolder
from minunet.wording import count_noun, join_names

_WITH_SUFFIX = re.compile(r"(?P<stem>.+)[_-]mask", re.IGNORECASE | re.DOTALL)
MAX_LISTED = 10  # where nothing matches, more names than this are summed up in one sentence


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes
    ----------
    name : str
        The image's file name without its ending; after "train/" or the like where the layout has such folders. No two
        pairs of a data set have the same.
    image, mask : Path
    split : "train", "validation", "test" or None
        The side of the split to which the layout itself assigns the pair.
    page : int
        The page of a file of several pages, from 0, of image and mask alike.
    """

    name: str
    image: Path
    mask: Path
    split: str | None = None
    page: int = 0


def match_masks(folder: DataFolder) -> tuple[list[Pair], list[str]]:
    """Match the masks of a folder with its images.

    Returns
    -------
    pairs : list of Pair
    problems : list of str
        Every file left without its counterpart and every name that two files share.
    """
    if folder.masks is None:
        images, masks = _separate(folder.images.files)
        if not masks and images:
            return [], [_without_masks(folder)]
    else:
        images, masks = folder.images.files, folder.masks.files
    images_by_stem, problems = _by_stem(images, "images")
    masks_by_stem, mask_problems = _by_stem(masks, "masks")
    problems += mask_problems
    with_suffix = defaultdict(list)  # masks NAME_mask by NAME
    for stem, mask in masks_by_stem.items():
        plain = _without_suffix(stem)
        if plain is not None and stem not in images_by_stem:
            with_suffix[plain].append(mask)

    pairs, lone_images, matched = [], [], set()
    for stem, image in images_by_stem.items():
        candidates = ([masks_by_stem[stem]] if stem in masks_by_stem else []) + with_suffix[stem]
        matched.update(candidates)
        if not candidates:
            lone_images.append(image)
            continue
        if len(candidates) > 1:
            problems.append(f"{join_names(candidates)} are both masks of {image}: keep one of them.")
        name = f"{folder.split}/{stem}" if folder.split else stem
        pairs.append(Pair(name, image, candidates[0], folder.split))
    lone_masks = [mask for mask in masks_by_stem.values() if mask not in matched]
    if not pairs and lone_images and lone_masks and len(lone_images) + len(lone_masks) > MAX_LISTED:
        return pairs, [*problems, _nothing_matches(lone_images, lone_masks)]
    return pairs, [*problems, *_unmatched(lone_images, lone_masks, folder)]


def _separate(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Images and masks of one folder: masks are NAME_mask.ext, NAME-mask.ext, or NAME.png beside NAME.bmp."""
    masks = [file for file in files if _without_suffix(_stem(file)) is not None]
    images = [file for file in files if _without_suffix(_stem(file)) is None]
    have_mask = {_without_suffix(_stem(mask)) for mask in masks}
    endings = defaultdict(set)
    for file in images:
        endings[_stem(file)].add(file.suffix.lower())
    twins = {stem for stem, suffixes in endings.items() if suffixes == {".bmp", ".png"} and stem not in have_mask}
    only_twins = twins and not masks  # then a single PNG is a mask whose image is missing
    for file in list(images):
        single = only_twins and len(endings[_stem(file)]) == 1
        if file.suffix.lower() == ".png" and (_stem(file) in twins or single):
            images.remove(file)
            masks.append(file)
    return images, masks


def _stem(file: Path) -> str:
    """The name without its ending, with each letter in Unicode's normal form NFC."""
    return unicodedata.normalize("NFC", file.stem)


def _without_suffix(stem: str) -> str | None:
    """NAME of NAME_mask or NAME-mask; None for other stems."""
    match = _WITH_SUFFIX.fullmatch(stem)
    return match["stem"] if match else None


def _by_stem(files: list[Path], kind: str) -> tuple[dict[str, Path], list[str]]:
    by_stem = defaultdict(list)
    for file in files:
        by_stem[_stem(file)].append(file)
    problems = [
        f"{join_names(same)} are {kind} of the same name: keep one of them or rename the other."
        for same in by_stem.values()
        if len(same) > 1
    ]
    return {stem: same[0] for stem, same in by_stem.items()}, problems


def _nothing_matches(images: list[Path], masks: list[Path]) -> str:
    return (
        f"{count_noun(len(images), 'image')} and {count_noun(len(masks), 'mask')} share no name ({join_names(images, 2)}; "
        f"{join_names(masks, 2)}): give each mask the name of its image."
    )


def _unmatched(images: list[Path], masks: list[Path], folder: DataFolder) -> list[str]:
    """A sentence for each image without a mask and each mask without an image."""
    alike = {_simplified(mask.stem): mask for mask in masks}
    problems = []
    for image in images:
        near = alike.get(_simplified(image.stem))
        if near:
            problems.append(f"{image} has no mask, but {near.name} is named almost alike: rename one like the other.")
            continue
        if folder.masks is None:
            missing = image.with_name(image.stem + "_mask.png")
        else:
            missing = folder.masks.folder / (image.stem + ".png")
        problems.append(f"{image} has no mask: add {missing} or take the image out.")
    for mask in masks:
        problems.append(f"{mask} has no image: add the image of that name or take the mask out.")
    return problems


def _simplified(stem: str) -> str:
    """The stem in small letters, without _mask, separators and leading zeros, to find names that are almost alike."""
    plain = _without_suffix(stem)
    numbers = re.sub(r"\d+", lambda digits: f"<{int(digits[0])}>", (stem if plain is None else plain).casefold())
    return re.sub(r"[\s_.-]+", "", numbers)


def _without_masks(folder: DataFolder) -> str:
    files = folder.images.files
    return (
        f"{folder.images.folder} holds {count_noun(len(files), 'image file')} but no masks: name them like their images "
        f"with _mask behind ({files[0].stem}_mask.png), or give the folder that holds images/ and masks/."
    )
