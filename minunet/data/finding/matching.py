"""Matching: which mask belongs to which image, by file name alone.

The same stem pairs, or the stem with _mask or -mask behind it; nothing else does, so that 1 never finds the mask of 10.
Letters with accents are the same whether they are stored whole or, as macOS does, in parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from minunet.data.finding.layouts import Source
from minunet.wording import count_noun, join_names

_SUFFIXED = re.compile(r"(?P<stem>.+)[_-]mask", re.IGNORECASE | re.DOTALL)
LISTED = 10  # with no pair at all, more names than this are summed up in one sentence


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes
    ----------
    name : str
        The image's file name without its ending; behind "train/" or the like where the layout has such folders. No two
        pairs of a data set have the same.
    image, mask : Path
    split : "train", "validation", "test" or None
        The side on which the layout itself puts the pair.
    """

    name: str
    image: Path
    mask: Path
    split: str | None = None


def match(source: Source) -> tuple[list[Pair], list[str]]:
    """Pair the files of one source.

    Returns
    -------
    pairs : list of Pair
    problems : list of str
        Every file left without its counterpart and every name that stands for two files.
    """
    if source.masks is None:
        images, masks = _apart(source.images.files)
        if not masks and images:
            return [], [_without_masks(source)]
    else:
        images, masks = source.images.files, source.masks.files
    by_stem, problems = _by_stem(images, "images")
    masks_by_stem, clashes = _by_stem(masks, "masks")
    problems += clashes
    suffixed = defaultdict(list)
    for stem, mask in masks_by_stem.items():
        match_ = _SUFFIXED.fullmatch(stem)
        if match_ and stem not in by_stem:
            suffixed[match_["stem"]].append(mask)

    pairs, unpaired, used = [], [], set()
    for stem, image in by_stem.items():
        candidates = ([masks_by_stem[stem]] if stem in masks_by_stem else []) + suffixed[stem]
        used.update(candidates)
        if not candidates:
            unpaired.append(image)
            continue
        if len(candidates) > 1:
            problems.append(f"{join_names(candidates)} are both masks of {image}: keep one of them.")
        name = f"{source.split}/{stem}" if source.split else stem
        pairs.append(Pair(name, image, candidates[0], source.split))
    spare = [mask for mask in masks_by_stem.values() if mask not in used]
    return pairs, problems + _unpaired(pairs, unpaired, spare, source)


def _apart(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Images and masks of one folder: masks are NAME_mask.ext, NAME-mask.ext, or NAME.png beside NAME.bmp."""
    masks = [file for file in files if _SUFFIXED.fullmatch(_stem(file))]
    images = [file for file in files if not _SUFFIXED.fullmatch(_stem(file))]
    have_mask = {_SUFFIXED.fullmatch(_stem(mask))["stem"] for mask in masks}
    endings = defaultdict(set)
    for file in images:
        endings[_stem(file)].add(file.suffix.lower())
    twins = {stem for stem, found in endings.items() if found == {".bmp", ".png"} and stem not in have_mask}
    only_twins = twins and not masks  # then a PNG on its own is a mask whose image is missing
    for file in list(images):
        lone = only_twins and len(endings[_stem(file)]) == 1
        if file.suffix.lower() == ".png" and (_stem(file) in twins or lone):
            images.remove(file)
            masks.append(file)
    return images, masks


def _stem(file: Path) -> str:
    """The name without its ending, in the one spelling of each letter that Unicode's NFC keeps."""
    return unicodedata.normalize("NFC", file.stem)


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


def _unpaired(pairs: list[Pair], images: list[Path], masks: list[Path], source: Source) -> list[str]:
    if not pairs and images and masks and len(images) + len(masks) > LISTED:
        return [
            f"{count_noun(len(images), 'image')} and {count_noun(len(masks), 'mask')} share no name ({join_names(images, 2)}; "
            f"{join_names(masks, 2)}): give each mask the name of its image."
        ]
    alike = {_loosely(mask.stem): mask for mask in masks}
    problems = []
    for image in images:
        near = alike.get(_loosely(image.stem))
        if near:
            problems.append(f"{image} has no mask, but {near.name} is named almost alike: rename one like the other.")
        else:
            wanted = image.with_name(image.stem + "_mask.png") if source.masks is None else _beside(image, source)
            problems.append(f"{image} has no mask: add {wanted} or take the image out.")
    for mask in masks:
        problems.append(f"{mask} has no image: add the image of that name or take the mask out.")
    return problems


def _beside(image: Path, source: Source) -> Path:
    return source.masks.folder / (image.stem + ".png")


def _loosely(stem: str) -> str:
    """The stem as a careless eye reads it: no case, no _mask, no separators, no leading zeros."""
    found = _SUFFIXED.fullmatch(stem)
    plain = re.sub(r"\d+", lambda digits: f"<{int(digits[0])}>", (found["stem"] if found else stem).casefold())
    return re.sub(r"[\s_.-]+", "", plain)


def _without_masks(source: Source) -> str:
    folder = source.images.folder
    return (
        f"{folder} holds {count_noun(len(source.images.files), 'image file')} but no masks: name them like their images with "
        f"_mask behind ({source.images.files[0].stem}_mask.png), or give the folder that holds images/ and masks/."
    )
