"""Flat folders: images and masks in one folder, told apart by their names or by the endings of their files."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.finding.folder_names import folder_role
from minunet.data.finding.listing import Listing
from minunet.data.finding.naming import SHARE, NamingRule, find_rules
from minunet.data.finding.rival_rules import rival_rules, two_rules

_WITH_SUFFIX = re.compile(r"(?P<stem>.+)[_-]mask", re.IGNORECASE | re.DOTALL)
# Endings in the order in which they are chosen for photographs; of two, the file with the later one is the mask.
ENDING_ORDER = {".jpg": 0, ".jpeg": 0, ".jpe": 0, ".jfif": 0, ".bmp": 1, ".dib": 1, ".tif": 1, ".tiff": 1, ".png": 2}

FEWEST_TWINS = 3  # names with two endings; fewer may be copies


@dataclass
class FlatFolder:
    """The files of a folder that holds images and masks.

    Attributes
    ----------
    images, masks : list of Path
    problems : list of str
        Names that can be read in two ways.
    notes : list of str
        What was decided by the endings.
    """

    images: list[Path]
    masks: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def without_suffix(stem: str) -> str | None:
    """NAME of NAME_mask or NAME-mask; None for other stems."""
    match = _WITH_SUFFIX.fullmatch(stem)
    return match["stem"] if match else None


def separate(listing: Listing) -> FlatFolder:
    """Separate the masks of a folder from its images.

    Masks are named NAME_mask.ext or NAME-mask.ext; else they have another word for masks in their names, by one rule; else
    they have the stems of their images and another ending, NAME.png beside NAME.jpg; else there is one of each, images.tif beside
    masks.tif.
    """
    stems = {file: listing.stem(file) for file in listing.files}
    masks = [file for file in listing.files if without_suffix(stems[file]) is not None]
    images = [file for file in listing.files if without_suffix(stems[file]) is None]
    folder = FlatFolder(images, masks)
    if not masks:
        _separate_by_rule(folder, listing, stems)
    if not folder.problems:
        _separate_by_ending(folder, stems)
    one = None if folder.masks or folder.problems else one_of_each(stems.values())
    if one is not None:
        folder.masks = [file for file in listing.files if stems[file] == one[1]]
        folder.images = [file for file in listing.files if stems[file] != one[1]]
    return folder


def one_of_each(stems: Iterable[str]) -> tuple[str, str] | None:
    """The image and the mask of files of which one is named for all masks and one for all images, such as images and masks.

    Of two files the image may have any name. The stems are without folders.
    """
    roles = [folder_role(Path(stem)) for stem in stems]
    masks = [role for role in roles if role.kind == "masks" and not role.rest]
    others = [role for role in roles if role.kind != "masks"]
    images = [role for role in others if role.kind == "images" and not role.rest] if len(roles) > 2 else others
    if len(masks) != 1 or len(images) != 1 or images[0].split not in (masks[0].split, None):
        return None
    return str(images[0].folder), str(masks[0].folder)


def masks_by_name(listing: Listing) -> list[Path]:
    """The files that are masks of others by a word in their names, by any rule."""
    stems = {listing.stem(file): file for file in listing.files}
    found = {stems[mask] for match in find_rules(stems, stems, words_only=True) for mask in match.image_of}
    if not found and (one := one_of_each(stems)):
        found = {stems[one[1]]}
    return [file for file in listing.files if file in found]


def _separate_by_rule(folder: FlatFolder, listing: Listing, stems: dict[Path, str]) -> None:
    by_stem = {stem: file for file, stem in stems.items()}
    rules = find_rules(by_stem, by_stem, words_only=True)
    if not rules:
        return
    best = rules[0]
    if rivals := rival_rules(rules):
        folder.problems.append(two_rules(listing, listing, [best, *rivals]))
        return
    assert best.rule is not None
    is_mask = {file: stem in best.image_of or _has_part(best.rule, stem) for file, stem in stems.items()}
    folder.masks = [file for file in listing.files if is_mask[file]]
    folder.images = [file for file in listing.files if not is_mask[file]]


def _has_part(rule: NamingRule, stem: str) -> bool:
    """Whether a stem that no image belongs to is that of a mask by a rule."""
    return bool(rule.image_stems(stem))


def _separate_by_ending(folder: FlatFolder, stems: dict[Path, str]) -> None:
    """Take the file with the later ending of `ENDING_ORDER` as mask, where most stems occur with the same two endings."""
    have_mask = {without_suffix(stems[mask]) for mask in folder.masks}
    endings = defaultdict(set)
    for file in folder.images:
        endings[stems[file]].add(file.suffix.lower())
    twins = {stem: tuple(sorted(found)) for stem, found in endings.items() if len(found) == 2 and stem not in have_mask}
    if not twins or folder.masks:
        return
    (first, second), count = Counter(twins.values()).most_common(1)[0]
    is_usual = {first, second} == {".bmp", ".png"}
    if not is_usual and count < max(FEWEST_TWINS, SHARE * len(endings)):  # copies of some images in another format
        return
    rank = [ENDING_ORDER.get(first, -1), ENDING_ORDER.get(second, -1)]
    if rank[0] == rank[1]:
        if rank[0] > 0:
            folder.problems.append(_two_endings(folder, first, second))
        return
    image_ending, mask_ending = (first, second) if rank[0] < rank[1] else (second, first)
    for file in list(folder.images):
        pair = twins.get(stems[file])
        alone = len(endings[stems[file]]) == 1  # a mask whose image is missing
        if file.suffix.lower() == mask_ending and (alone or pair == (first, second)):
            folder.images.remove(file)
            folder.masks.append(file)
    if not is_usual:
        folder.notes.append(
            f"the {mask_ending} files are taken as the masks of the {image_ending} files of the same name."
        )


def _two_endings(folder: FlatFolder, first: str, second: str) -> str:
    place = folder.images[0].parent
    ways = [
        f"--images {shlex.quote(f'{place}/*{image}')} --masks {shlex.quote(f'{place}/*{mask}')}"
        for image, mask in ((first, second), (second, first))
    ]
    return (
        f"{place} holds {first} and {second} files of the same names, and either may be the masks: choose with "
        f"{' or '.join(ways)}, in place of DATA."
    )
