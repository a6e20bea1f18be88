"""Matching: which mask belongs to which image, by file name only.

A mask has the stem of its image, or that stem followed by _mask or -mask, or the names differ by one regular part (see
`minunet.data.finding.naming`). Letters with accents are equal whether they are stored as one character or, as on macOS, in parts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.flat_folder import one_of_each, separate, without_suffix
from minunet.data.finding.naming import find_rules, match_numbers
from minunet.data.finding.rival_rules import rival_rules, two_rules
from minunet.data.finding.unmatched_files import nothing_matches, unmatched_images, without_masks
from minunet.wording import join_names

MAX_LISTED = 10  # where nothing matches, more names than this are summed up in one sentence


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes
    ----------
    name : str
        The image's file name without its ending; after "train/" or the like where the layout has such folders. No two
        pairs of a data set have the same.
    image : Path
    mask : Path
        A file; or a folder that holds one mask a cell.
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


@dataclass
class MatchedFolder:
    """The pairs of a folder, and what did not fit.

    Attributes
    ----------
    pairs : list of Pair
    problems : list of str
        Names that two files share, and names that can be read in two ways.
    unpaired : list of str
        A sentence for each image without a mask, or one for all.
    lone_masks : list of str
        A sentence for each mask without an image.
    notes : list of str
        What was decided by the names.
    """

    pairs: list[Pair] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unpaired: list[str] = field(default_factory=list)
    lone_masks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def match_masks(folder: DataFolder) -> MatchedFolder:
    """Match the masks of a folder with its images."""
    found = MatchedFolder()
    if folder.masks is None:
        flat = separate(folder.images)
        images, masks = flat.images, flat.masks
        found.problems += flat.problems
        found.notes += flat.notes
        if flat.problems:
            return found
        if not masks and images:
            found.unpaired = [without_masks(folder)]
            return found
        mask_folder = folder.images
    else:
        images, masks, mask_folder = folder.images.files, folder.masks.files, folder.masks
    images_by_stem = _by_stem({file: folder.images.stem(file) for file in images}, "images", found.problems)
    masks_by_stem = _by_stem({file: mask_folder.stem(file) for file in masks}, "masks", found.problems)
    if folder.masks is not None:
        masks_by_stem = _with_cell_folders(images_by_stem, masks_by_stem, mask_folder.folder)

    masks_of = _same_names(images_by_stem, masks_by_stem)
    masks_of |= _by_rule(images_by_stem, masks_by_stem, masks_of, folder, found)
    masks_of |= _without_folders(images_by_stem, masks_by_stem, masks_of)
    lone_images = []
    for stem, image in images_by_stem.items():
        candidates = [masks_by_stem[mask] for mask in masks_of.get(stem, ())]
        if not candidates:
            lone_images.append(image)
            continue
        if len(candidates) > 1:
            found.problems.append(f"{join_names(candidates)} are both masks of {image}: keep one of them.")
        found.pairs.append(Pair(folder.pair_name(stem), image, candidates[0], folder.split))
    matched = {mask for candidates in masks_of.values() for mask in candidates}
    lone_masks = [mask for stem, mask in masks_by_stem.items() if stem not in matched]
    if lone_images and lone_masks and not found.pairs and len(lone_images + lone_masks) > MAX_LISTED:
        if not found.problems:
            found.problems.append(nothing_matches(lone_images, lone_masks))
        return found
    found.unpaired += unmatched_images(lone_images, lone_masks, folder)
    found.lone_masks += [
        f"{mask} has no image: add the image of that name or take the mask out." for mask in lone_masks
    ]
    return found


def _same_names(images: Iterable[str], masks: Iterable[str]) -> dict[str, list[str]]:
    """For each image the masks of its own name, with or without _mask behind."""
    images, masks = list(images), list(masks)
    known, with_suffix = set(images), defaultdict(list)
    for mask in masks:
        plain = without_suffix(mask)
        if plain is not None and mask not in known:
            with_suffix[plain].append(mask)
    all_masks = set(masks)
    found = {image: ([image] if image in all_masks else []) + with_suffix[image] for image in images}
    return {image: candidates for image, candidates in found.items() if candidates}


def _by_rule(
    images: dict[str, Path],
    masks: dict[str, Path],
    masks_of: dict[str, list[str]],
    folder: DataFolder,
    found: MatchedFolder,
) -> dict[str, list[str]]:
    """Pairs of the names that are left, by one rule; notes the rule, or the problem that there are two."""
    matched = {mask for candidates in masks_of.values() for mask in candidates}
    lone_images = [stem for stem in images if stem not in masks_of]
    lone_masks = [stem for stem in masks if stem not in matched]
    if not lone_images or not lone_masks:
        return {}
    rules = find_rules(lone_images, lone_masks, words_only=bool(masks_of))
    if not rules and not masks_of:
        by_number = match_numbers(lone_images, lone_masks)
        one = None if by_number or len(images) > 1 or len(masks) > 1 else one_of_each([*images, *masks])
        if one is not None and one[0] in images:
            found.notes.append(f"{masks[one[1]].name} holds the masks of {images[one[0]].name}.")
            return {one[0]: [one[1]]}
        rules = [by_number] if by_number else []
    if not rules:
        return {}
    best = rules[0]
    if rivals := rival_rules(rules):
        found.problems.append(two_rules(folder.images, folder.masks or folder.images, [best, *rivals]))
        return {}
    image, mask = next((image, mask) for mask, image in best.image_of.items())
    example = f"{masks[mask].name} is the mask of {images[image].name}"
    if best.rule is None:
        found.notes.append(f"masks and images are matched by their numbers: {example}.")
    else:
        of_masks, of_images = (
            f"{name}{_common_ending(files)}"
            for name, files in zip(best.rule.describe(), (masks.values(), images.values()), strict=True)
        )
        found.notes.append(f"masks are named {of_masks} for {of_images}: {example}.")
    return {image: [mask] for mask, image in best.image_of.items()}


def _without_folders(
    images: dict[str, Path], masks: dict[str, Path], masks_of: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Pairs of the names that are left, where only one of images and masks is divided into folders."""
    matched = {mask for candidates in masks_of.values() for mask in candidates}
    lone_images = {stem: stem.rpartition("/")[2] for stem in images if stem not in masks_of}
    lone_masks = {stem: stem.rpartition("/")[2] for stem in masks if stem not in matched}
    if not any("/" in stem for stem in (*lone_images, *lone_masks)):
        return {}
    image_of, mask_of = (
        {name: stem for stem, name in stems.items() if count[name] == 1}
        for stems in (lone_images, lone_masks)
        for count in [Counter(stems.values())]
    )
    return {
        image_of[name]: [mask_of[mask] for mask in candidates]
        for name, candidates in _same_names(image_of, mask_of).items()
    }


def _with_cell_folders(images: dict[str, Path], masks: dict[str, Path], root: Path) -> dict[str, Path]:
    """The masks, where a folder with the name of an image and files of other names in it is the one mask of that image."""
    inside = defaultdict(list)
    for stem in masks:
        if "/" in stem:
            inside[stem.rpartition("/")[0]].append(stem)
    folders = {
        folder: stems
        for folder, stems in inside.items()
        if any(name in images for name in (folder, without_suffix(folder)))
        and not any(stem in images or without_suffix(stem) in images for stem in stems)
    }
    if not folders:
        return masks
    merged = {stem: mask for stem, mask in masks.items() if stem.rpartition("/")[0] not in folders}
    return merged | {folder: root / masks[stems[0]].parent.relative_to(root) for folder, stems in folders.items()}


def _by_stem(stems: dict[Path, str], kind: str, problems: list[str]) -> dict[str, Path]:
    by_stem = defaultdict(list)
    for file, stem in stems.items():
        by_stem[stem].append(file)
    problems += [
        f"{join_names(same)} are {kind} of the same name: keep one of them or rename the other."
        for same in by_stem.values()
        if len(same) > 1
    ]
    return {stem: same[0] for stem, same in by_stem.items()}


def _common_ending(files: Iterable[Path]) -> str:
    endings = {file.suffix for file in files}
    return endings.pop() if len(endings) == 1 else ""
