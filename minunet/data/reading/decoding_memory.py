"""The memory that decoding a whole picture takes: one that would take more than is left is refused before it is decoded."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from minunet.data.reading.image_header import ImageHeader
from minunet.errors import UserError
from minunet.resources import available_memory

SMALL = 1 << 24  # pixels; what takes less is not compared with the memory that is left
# Bytes a pixel at the peak of decoding, measured for 4000x4000 pixels: what Pillow holds, the array, and their copies.
GREY, COLOUR, DEEP_COLOUR, WORDS, WIDE = 4, 10, 20, 8, 12
# Where the picture stays in Pillow and is cut into strips.
IN_PILLOW, OTHERS_IN_PILLOW = {"1": 2, "L": 2, "P": 2}, 6
_PER_PIXEL = {"1": GREY, "L": GREY, "I;16": WORDS, "I;16L": WORDS, "I;16B": WORDS, "I": WIDE, "F": WIDE}


def whole_size(image: Image.Image | None, deep: bool) -> int:
    """Bytes a pixel that decoding a picture to an array takes at its peak; None is a TIFF that is read through tifffile."""
    if image is None or deep:
        return DEEP_COLOUR
    return _PER_PIXEL.get(image.mode, COLOUR)


def check_memory(path: Path, header: ImageHeader, per_pixel: int) -> None:
    """Raise a UserError where decoding the picture would take more memory than is left.

    Parameters
    ----------
    path : Path
    header : ImageHeader
    per_pixel : int
        Bytes a pixel at the peak.
    """
    width, height = header.size
    if width * height <= SMALL:
        return
    needed, left = width * height * per_pixel, available_memory()
    if left is not None and needed > left:
        raise UserError(
            f"{path} has {width}x{height} pixels and is decoded as a whole, which takes {needed / 1e9:.1f} GB of memory, and "
            f"{left / 1e9:.1f} GB are left; save it as a PNG or TIFF that is read in parts (docs/memory.md), or cut it into pieces."
        )
