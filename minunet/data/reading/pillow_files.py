"""Pillow's image files: opened without Pillow's warnings and its own limit of pixels, neither of which names file and remedy."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

from minunet.forks import renew_in_child

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF")  # with JPEG comes MPO: the JPEG of a phone, followed by a preview

_pillow_globals = threading.RLock()
renew_in_child(sys.modules[__name__], "_pillow_globals", threading.RLock)


def open_with_pillow(file: BinaryIO) -> Image.Image:
    """Open an image lazily.

    Pillow is given the open file and not its name: by name it would map an uncompressed TIFF into memory, and then mix up
    the pixels of one whose orientation turns it by 90 degrees. Its readers of other formats are not asked.
    """
    with pillow_warnings_ignored():
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def pillow_warnings_ignored() -> Iterator[None]:
    """Ignore Pillow's warnings about damaged metadata, since only the pixels matter; one thread at a time."""
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def pillow_limit_lifted(image: Image.Image) -> Iterator[None]:
    """Let Pillow decode an image above its own limit, which its TIFF reader checks a second time; one thread at a time."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or image.width * image.height <= limit:
        yield
        return
    with _pillow_globals:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
