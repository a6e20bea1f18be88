"""Image headers: size, format and orientation of an image file, known before its pixels are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image

from minunet.data.reading.completeness import check_complete, has_orientation
from minunet.data.reading.image_format import is_tiff
from minunet.data.reading.orientation import QUARTER_TURNS, orientation_of


@dataclass(frozen=True)
class ImageHeader:
    """The information in the header of an image file.

    Attributes
    ----------
    size : (width, height)
        In pixels, upright (EXIF orientation applied).
    format : str
        "PNG", "JPEG", "MPO", "BMP", "DIB" or "TIFF".
    frames : int
        1, or 2 where the file holds several images, of which only one is read; they are not counted.
    orientation : int
        The EXIF orientation of the stored pixels, 1 to 8; 1 where they are upright, or nothing is said.
    turned_with_image : bool
        Whether this is a mask whose orientation is that of its image.
    """

    size: tuple[int, int]
    format: str
    frames: int
    orientation: int = 1
    turned_with_image: bool = False

    @property
    def stored_size(self) -> tuple[int, int]:
        """(width, height) of the pixels as they are stored, before they are turned upright."""
        width, height = self.size
        return (height, width) if self.orientation in QUARTER_TURNS else (width, height)


def read_header(image: Image.Image, file: BinaryIO) -> ImageHeader:
    """The header of an image that Pillow opened."""
    several = False
    width, height = image.size
    if is_tiff(image):
        # Pages are not counted, which would take long where there are many.
        several = image.tag_v2.next not in (0, image.tag_v2._offset)
        # Whether Pillow turns the size of a TIFF depends on its version.
        width, height = image.tag_v2[256], image.tag_v2[257]
    elif image.format == "PNG":
        several = getattr(image, "n_frames", 1) > 1  # in its header
    # A PNG may say how it is turned after its pixels, and more than once: Pillow knows only when it has decoded them.
    in_chunks = image.format == "PNG" and has_orientation(file)
    orientation = 1
    if image.format != "PNG" or in_chunks:
        if in_chunks:  # its errors are those of the pixels, and a second attempt might not have them
            check_complete(file, image)
            image.load()
        orientation = orientation_of(image)
    size = (height, width) if orientation in QUARTER_TURNS else (width, height)
    return ImageHeader(size, image.format or "", 2 if several else 1, orientation)
