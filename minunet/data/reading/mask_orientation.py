"""Mask orientation: which way up a mask is that has no EXIF orientation, while its image has one.

It was drawn on the upright image, as viewers show it, or on the pixels as they are stored. The sizes tell which, unless both fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from minunet.data.reading.completeness import has_orientation
from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.open_images import open_image
from minunet.data.reading.orientation import QUARTER_TURNS
from minunet.data.reading.pixels import upright
from minunet.data.reading.stored_mask import StoredMask
from minunet.data.reading.unsupported import TIFF_SIGNATURES
from minunet.errors import UserError
from minunet.files.reading import open_regular

_START = 1 << 17  # bytes of a JPEG in which its EXIF data begins


def turn_with_image(mask: ImageHeader, image: Path) -> ImageHeader:
    """The header of a mask, turned like its image where only the stored pixels of both have the same size.

    Parameters
    ----------
    mask : ImageHeader
    image : Path
        The file of the image. Its header is read only where it may hold an orientation.
    """
    if mask.orientation != 1 or not _may_be_turned(image):
        return mask
    try:
        with open_image(image) as opened:
            header = opened.header
    except UserError:  # which is reported where the image itself is read
        return mask
    if header.orientation not in QUARTER_TURNS or header.size == mask.size or header.stored_size != mask.size:
        return mask
    return replace(mask, size=header.size, orientation=header.orientation, turned_with_image=True)


def turned(mask: StoredMask, orientation: int) -> StoredMask:
    """A stored mask whose pixels have an EXIF orientation, upright."""
    shown_by = mask.shown_by
    show: Callable[[], np.ndarray] | None = None if shown_by is None else lambda: upright(shown_by(), orientation)
    return replace(mask, values=upright(mask.values, orientation), shown_by=show)


def _may_be_turned(image: Path) -> bool:
    """Whether a file holds something in which an orientation may be; quicker than reading its header."""
    try:
        with open_regular(image) as file:
            start = file.read(4)
            if start == b"\x89PNG":
                return has_orientation(file)
            if start[:3] == b"\xff\xd8\xff":
                return b"Exif\0\0" in file.read(_START)
            return start in TIFF_SIGNATURES
    except (OSError, ValueError, UserError):
        return False
