"""Image formats: which plugin of Pillow opened an image, found out without importing plugins.

Importing the plugin of TIFF takes longer than reading a model, and Pillow itself does it only where it opens such a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from PIL import Image

if TYPE_CHECKING:
    from PIL import BmpImagePlugin, TiffImagePlugin


def is_tiff(image: Image.Image) -> TypeGuard[TiffImagePlugin.TiffImageFile]:
    """Whether Pillow opened the image as a TIFF file."""
    return image.format == "TIFF"


def is_bmp(image: Image.Image) -> TypeGuard[BmpImagePlugin.BmpImageFile]:
    """Whether Pillow opened the image as a BMP file, with its header (BMP) or without it (DIB)."""
    return image.format in ("BMP", "DIB")
