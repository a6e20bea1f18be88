"""Pair files: the image and the mask of a pair, read from wherever the pair says that they are.

Nothing else opens the files of a pair, so that every form of mask is read in one place.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from minunet.data.finding.listing import list_folder
from minunet.data.finding.matching import Pair
from minunet.data.outlines.outline_file import OUTLINE_ENDINGS, read_outlines
from minunet.data.reading.cell_files import read_cell_files
from minunet.data.reading.image_files import report_frames
from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.mask_orientation import turn_with_image, turned
from minunet.data.reading.numbered_cells import CellRemarks, number_cells
from minunet.data.reading.open_images import open_image
from minunet.data.reading.stored_mask import StoredMask, stored_mask
from minunet.errors import UserError

OUTLINES = "outlines"  # the format of a file of outlines, in its header

Content = TypeVar("Content")
Report = Callable[[str], object]  # called with a sentence on what the user should know


@dataclass(frozen=True)
class OpenFile(Generic[Content]):
    """A file of a pair that is open: its header is read, its contents are decoded by `read`."""

    header: ImageHeader
    read: Callable[[], Content]


def read_image(pair: Pair, report: Report | None = None) -> np.ndarray:
    """The image of a pair.

    Parameters
    ----------
    pair : Pair
    report : callable or None
        Called with a sentence on what the user should know, such as frames that are not read.

    Returns
    -------
    ndarray, (H, W) or (H, W, C)

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    with open_pair_image(pair) as file:
        report_frames(pair.image, file.header, report)
        return file.read()


def read_mask(pair: Pair, report: Report | None = None) -> StoredMask:
    """The mask of a pair as it is stored; see `read_image` for the parameters and errors."""
    with open_pair_mask(pair) as file:
        report_frames(pair.mask, file.header, report)
        return file.read()


def read_pair(pair: Pair) -> tuple[np.ndarray, StoredMask]:
    """The image and the mask of a pair, which have one size; see `read_image` and `read_mask`.

    Raises
    ------
    UserError
        Where a file cannot be read, or the sizes differ.
    """
    image, mask = read_image(pair), read_mask(pair)
    if image.shape[:2] != mask.shape:
        (height, width), (mask_height, mask_width) = image.shape[:2], mask.shape
        raise UserError(
            f"{pair.mask} has {mask_width}x{mask_height} pixels but {pair.image} has {width}x{height}: "
            "export the mask at the size of its image."
        )
    return image, mask


def mask_files(pair: Pair) -> list[Path]:
    """Every file that the mask of a pair is read from, in natural order."""
    return list_folder(pair.mask).files if os.path.isdir(pair.mask) else [pair.mask]


@contextlib.contextmanager
def open_pair_image(pair: Pair) -> Iterator[OpenFile[np.ndarray]]:
    """Open the image of a pair; see `read_image` for the errors."""
    with open_image(pair.image, page=pair.page) as image:
        yield OpenFile(image.header, image.pixels)


@contextlib.contextmanager
def open_pair_mask(pair: Pair) -> Iterator[OpenFile[StoredMask]]:
    """Open the mask of a pair; see `read_image` for the errors."""
    if os.path.isdir(pair.mask):
        files = mask_files(pair)
        if not files:
            raise UserError(f"{pair.mask} holds no mask files: put one mask for each cell into it.")
        with open_image(files[0]) as first:
            header = first.header
        yield OpenFile(replace(header, frames=1), lambda: _numbered(*read_cell_files(files)))
        return
    if pair.mask.suffix.lower() in OUTLINE_ENDINGS:
        with open_pair_image(pair) as file:
            header = file.header
        yield OpenFile(ImageHeader(header.size, OUTLINES, 1), lambda: _outlined(pair, header.size))
        return
    with open_image(pair.mask, page=pair.page) as image:
        header = turn_with_image(image.header, pair.image)
        turn = header.orientation if header.turned_with_image else 1
        yield OpenFile(header, lambda: turned(stored_mask(image), turn) if turn != 1 else stored_mask(image))


def _outlined(pair: Pair, size: tuple[int, int]) -> StoredMask:
    """The mask of an image of a size (width, height) whose outlines are in a file."""
    outlines = read_outlines(pair.mask).of_image(pair.image, size, str(pair.mask))
    if outlines.size is not None and outlines.size != size:
        raise UserError(
            f"{pair.mask} says that {pair.image.name} has {outlines.size[0]}x{outlines.size[1]} pixels, but it has "
            f"{size[0]}x{size[1]}: use the image on which the outlines were drawn."
        )
    shape = size[1], size[0]
    try:
        return _numbered(*number_cells(outlines.parts(shape), shape))
    except UserError as error:
        raise UserError(
            problem if str(pair.mask) in problem else f"{pair.mask}: {problem}" for problem in error.problems
        ) from error


def _numbered(labels: np.ndarray, remarks: CellRemarks) -> StoredMask:
    values = labels.astype(np.uint16) if remarks.cells <= np.iinfo(np.uint16).max else labels
    return StoredMask(values, is_numbered=True, remarks=remarks)
