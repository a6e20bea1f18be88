"""Pair files: the image and the mask of a pair, read from wherever the pair says that they are.

Nothing else opens the files of a pair, so that every form of mask is read in one place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from minunet.data.finding.matching import Pair
from minunet.data.reading.image_files import ImageHeader, open_image, report_frames
from minunet.data.reading.stored_mask import StoredMask

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


def mask_files(pair: Pair) -> list[Path]:
    """Every file that the mask of a pair is read from, in natural order."""
    return [pair.mask]


@contextlib.contextmanager
def open_pair_image(pair: Pair) -> Iterator[OpenFile[np.ndarray]]:
    """Open the image of a pair; see `read_image` for the errors."""
    with open_image(pair.image) as image:
        yield OpenFile(image.header, image.pixels)


@contextlib.contextmanager
def open_pair_mask(pair: Pair) -> Iterator[OpenFile[StoredMask]]:
    """Open the mask of a pair; see `read_image` for the errors."""
    with open_image(pair.mask) as image:
        yield OpenFile(image.header, lambda: StoredMask(image.pixels(mask=True)))
