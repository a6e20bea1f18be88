"""Given images: the images and masks that a program has as arrays, PIL images or paths, written where a training can read them.

A training reads files, so that it can be stopped and resumed. Nothing is lost on the way: arrays keep their type, files are copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.finding.listing import READ
from minunet.data.reading.pixels import unmasked
from minunet.errors import UserError
from minunet.wording import at_most, count_noun, shorten

AS_PNG = ("1", "L", "P", "RGB", "RGBA", "I;16")  # modes of PIL images that PNG keeps
IMAGES, MASKS = "images", "masks"  # the folders that are written
LONGEST_STEM = 100
MOST_LISTED = 5  # problems of one kind


def is_path(value: object) -> bool:
    """Whether a value is one path."""
    return isinstance(value, (str, os.PathLike))


def write_given(images: Any, masks: Any, folder: Path) -> tuple[Path, Path]:
    """Write images and their masks into two folders, under the same names.

    Parameters
    ----------
    images, masks : sequence
        Of one length. Each item is an array (H, W) or (H, W, C), a PIL image, or the path of a file; an array (N, H, W) or
        (N, H, W, C) holds N of them.
    folder : Path
        Gets the folders images and masks.

    Returns
    -------
    (Path, Path)
        The folder of the images, and that of the masks.

    Raises
    ------
    UserError
        With every item that cannot be used. Nothing is written then.
    """
    image_list, mask_list = given_list(images, "images"), given_list(masks, "masks")
    problems = []
    if len(image_list) != len(mask_list):
        problems.append(
            f"{count_noun(len(image_list), 'image')} and {count_noun(len(mask_list), 'mask')} were given: give one mask for "
            "each image, in the same order."
        )
    if not image_list:
        problems.append("no images were given: give at least one with its mask.")
    problems += _item_problems(image_list, "image") + _item_problems(mask_list, "mask")
    if not problems:
        problems = at_most(_size_problems(image_list, mask_list), "masks of another size", MOST_LISTED)
    if problems:
        raise UserError(problems)
    places = folder / IMAGES, folder / MASKS
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    for name, image, mask in zip(_names(image_list), image_list, mask_list, strict=True):
        _write(image, places[0] / name)
        _write(mask, places[1] / name)
    return places


def given_list(items: Any, what: str) -> list[Any]:
    """The items of a list, or of an array whose first axis counts them.

    Parameters
    ----------
    items : sequence, or ndarray (N, H, W) or (N, H, W, C)
    what : str
        Their name in messages.

    Raises
    ------
    UserError
        Where it is no collection of images.
    """
    if isinstance(items, np.ndarray):
        if items.ndim not in (3, 4) or items.dtype == object:
            raise UserError(
                f"{what}: an array of shape {items.shape} and type {items.dtype} is no set of images; give a list, or an array "
                "(N, H, W) or (N, H, W, C)."
            )
        return list(items)
    if is_path(items) or isinstance(items, (Image.Image, bytes, dict)) or not isinstance(items, Iterable):
        raise UserError(f"{what}: give a list of arrays, PIL images or paths, not {shorten(repr(items), 60)}.")
    return list(items)


def _item_problems(items: Sequence[Any], noun: str) -> list[str]:
    problems = [problem for k, item in enumerate(items) if (problem := _item_problem(item, f"{noun} {k}"))]
    return at_most(problems, f"{noun}s that cannot be used", MOST_LISTED)


def _item_problem(item: Any, name: str) -> str | None:
    if is_path(item):
        if not os.path.isfile(item):
            return f"{name}: there is no file {shorten(os.fspath(item), 200)}; check the path."
        if Path(item).suffix.lower() not in READ:
            return f"{name}: {shorten(os.fspath(item), 200)} is no file of a format that is read; convert it to PNG or TIFF."
        return None
    if isinstance(item, Image.Image):
        return None
    try:
        array = np.asarray(item)
    except (TypeError, ValueError):
        array = np.zeros(0, object)
    if array.dtype.kind not in "buif":
        return f"{name}: {type(item).__name__} is no image; give an array of numbers, a PIL image or a path."
    if array.ndim not in (2, 3) or not array.size:
        return f"{name}: an array of shape {array.shape} is no image; give (H, W) or (H, W, C)."
    if array.ndim == 3 and array.shape[0] <= 4 < min(array.shape[1:]):
        return (
            f"{name}: an array of shape {array.shape} has its channels first; move them to the end: "
            "np.moveaxis(array, 0, -1)."
        )
    return None


def _size_problems(images: Sequence[Any], masks: Sequence[Any]) -> list[str]:
    problems = []
    for k, (image, mask) in enumerate(zip(images, masks, strict=True)):
        if is_path(image) or is_path(mask):
            continue  # the training reads the headers of files, and compares them
        (height, width), (mask_height, mask_width) = _shape(image), _shape(mask)
        if (height, width) != (mask_height, mask_width):
            problems.append(
                f"image {k} has {width}x{height} pixels and its mask {mask_width}x{mask_height}: give masks of the size of "
                "their images."
            )
    return problems


def _shape(item: Any) -> tuple[int, int]:
    if isinstance(item, Image.Image):
        return item.height, item.width
    height, width = np.asarray(item).shape[:2]
    return height, width


def _names(images: Sequence[Any]) -> list[str]:
    """A name for each image, in order, with the name of its file where it has one."""
    digits = len(str(len(images) - 1))
    return [
        f"{number:0{digits}}" + (f"_{Path(image).stem[:LONGEST_STEM]}" if is_path(image) else "")
        for number, image in enumerate(images)
    ]


def _write(item: Any, place: Path) -> None:
    """Write an item under a name without its ending."""
    if is_path(item):
        shutil.copyfile(item, f"{place}{Path(item).suffix.lower()}")
    elif isinstance(item, Image.Image) and item.mode in AS_PNG:
        item.save(f"{place}.png", compress_level=1)
    else:
        write_array(np.asarray(unmasked(item) if isinstance(item, np.ndarray) else item), Path(f"{place}.tif"))


def write_array(array: np.ndarray, path: Path) -> None:
    """Write an array (H, W) or (H, W, C) as a TIFF file of one page, in its own type; boolean ones as 0 and 255."""
    import tifffile  # not at the top: only programs that give arrays need it

    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    colours = array.ndim == 3 and array.shape[2] == 3 and array.dtype.kind == "u"
    tifffile.imwrite(
        path,
        np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))),
        photometric="rgb" if colours else "minisblack",
        planarconfig="contig" if array.ndim == 3 else None,
        metadata=None,
    )
