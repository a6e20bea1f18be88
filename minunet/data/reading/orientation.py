"""The EXIF orientation of an image: which way up it is to be shown."""

from __future__ import annotations

from PIL import Image

ORIENTATION = 0x0112  # of EXIF and TIFF 6.0, tag 274: in which corner of the upright image the first pixel is
QUARTER_TURNS = (5, 6, 7, 8)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation of a Pillow image that is still to be applied; 1 where there is none."""
    try:
        return usable_orientation(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF block does not affect the pixels
        return 1


def usable_orientation(value: object) -> int:
    """An EXIF orientation, 1 to 8; 1 in place of anything else."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
