"""Image files read by rows: PNG and TIFF files and pyramids in parts of a few rows, other files and small ones whole.

The rows are those of `minunet.data.reading.image_files.decode`, in parts or whole.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.data.reading.deep_colour import deep_values, is_deep
from minunet.data.reading.image_files import report_frames
from minunet.data.reading.image_rows import LARGE, ImageRows
from minunet.data.reading.open_images import OpenImage, open_image
from minunet.data.reading.pixels import finite, from_pil, grey_if_equal, is_upright
from minunet.data.reading.png_strips import has_png_strips, png_strips
from minunet.data.reading.pyramids import Pyramid
from minunet.data.reading.tiff_pyramid import open_pyramid
from minunet.data.reading.tiff_strips import has_tiff_strips, tiff_strips
from minunet.data.reading.zarr_image import ZarrImage

ChooseLevel = Callable[[Pyramid, ImageRows], int]

_GREY = ("1", "L", "LA", "I;16", "I;16L", "I;16B")
_WIDE = ("I", "F")  # modes of 32 bits
_CUT_AFTER_DECODING = ("JPEG", "MPO", "BMP", "DIB")


@contextlib.contextmanager
def open_rows(
    path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn, level: ChooseLevel | None = None
) -> Iterator[ImageRows]:
    """Open an image file to read it by rows.

    Parameters
    ----------
    path : path
        A PNG, JPEG, BMP or TIFF file, or the folder of an OME-Zarr.
    report : callable or None
        As for `minunet.data.reading.image_files.decode`.
    level : callable, optional
        Chooses the level of a pyramid, given the pyramid and the rows of its level 0, the default.

    Yields
    ------
    ImageRows
        Reading it raises the errors of `decode`.
    """
    with open_image(path) as image:
        report_frames(path, image.header, report)
        if image.pyramid is not None:
            yield _of_pyramid(image, image.pyramid, level, report)
            return
        yield _rows(Path(path), image)


def _of_pyramid(
    image: OpenImage, pyramid: Pyramid, choose: ChooseLevel | None, report: Callable[[str], object] | None
) -> ImageRows:
    image.check()

    def guarded(strips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        with image.usable():
            yield from map(finite, strips)

    level = 0 if choose is None else choose(pyramid, pyramid.rows(0, guarded))
    rows = pyramid.rows(level, guarded)
    missing = pyramid.missing_chunks(level) if isinstance(pyramid, ZarrImage) else None
    for note in [*pyramid.notes, *([missing] if missing else [])]:
        if report is not None:
            report(note)
    return rows


def _rows(path: Path, image: OpenImage) -> ImageRows:
    width, height = image.header.size
    pillow, file = image.pillow, image.file
    if pillow is not None and width * height > LARGE:
        wide = pillow.mode in _WIDE
        colour = False if wide or pillow.mode in _GREY else None
        position = file.tell()
        with image.user_errors():
            png, tiff = has_png_strips(pillow, file), has_tiff_strips(pillow, file)
        file.seek(position)
        if png or tiff:
            image.check()
            strips = png_strips if png else tiff_strips
            return ImageRows((height, width), lambda rows: _arrays(image, strips(file, rows)), colour, wide)
        if pillow.format in _CUT_AFTER_DECODING and is_upright(image.load()):
            return ImageRows((height, width), lambda rows: _arrays(image, _cut(pillow, rows)), colour)
    if width * height > LARGE and (single := open_pyramid(path, file, single=True)) is not None:
        return _of_pyramid(image, single, None, None)
    return ImageRows.of_array(image.pixels())


def _arrays(image: OpenImage, strips: Iterator[Callable[[], Image.Image]]) -> Iterator[np.ndarray]:
    with image.user_errors():
        for open_strip in strips:
            strip = open_strip()
            yield grey_if_equal(deep_values(strip, open_strip)) if is_deep(strip) else from_pil(strip)


def _cut(image: Image.Image, rows: int) -> Iterator[Callable[[], Image.Image]]:
    """Strips of a decoded image, which are cut one after the other."""
    for top in range(0, image.height, rows):
        yield functools.partial(image.crop, (0, top, image.width, min(image.height, top + rows)))
