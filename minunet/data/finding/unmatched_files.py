"""Unmatched files: what is said of images without masks, and of folders in which no name matches."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from minunet.data.finding.data_folder import DataFolder
from minunet.data.finding.flat_folder import without_suffix
from minunet.data.finding.unread_files import describe_unread
from minunet.wording import count_noun, join_names


def nothing_matches(images: list[Path], masks: list[Path]) -> str:
    """The problem of images and masks of which no two share a name."""
    return (
        f"{count_noun(len(images), 'image')} and {count_noun(len(masks), 'mask')} share no name ({join_names(images, 2)}; "
        f"{join_names(masks, 2)}): give each mask the name of its image."
    )


def unmatched_images(images: list[Path], masks: list[Path], folder: DataFolder) -> list[str]:
    """A sentence for each image without a mask."""
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
            missing = folder.masks.folder / (folder.images.stem(image) + ".png")
        problems.append(f"{image} has no mask: add {missing} or take the image out.")
    return problems


def _simplified(stem: str) -> str:
    """The stem in small letters, without _mask, separators and leading zeros, to find names that are almost alike."""
    plain = without_suffix(stem)
    numbers = re.sub(r"\d+", lambda digits: f"<{int(digits[0])}>", (stem if plain is None else plain).casefold())
    return re.sub(r"[\s_.-]+", "", numbers)


def without_masks(folder: DataFolder) -> str:
    """The sentence on a folder of images that holds no masks."""
    files = folder.images.files
    if unread := describe_unread(folder.images.others):
        return f"{folder.images.folder} holds {count_noun(len(files), 'image file')} but no masks; {unread}."
    return (
        f"{folder.images.folder} holds {count_noun(len(files), 'image file')} but no masks: name them like their images "
        f"with _mask behind ({files[0].stem}_mask.png), or give the folder that holds images/ and masks/. To count cells, no masks "
        f"are needed: python -m minunet.predict {shlex.quote(str(folder.images.folder))}"
    )
