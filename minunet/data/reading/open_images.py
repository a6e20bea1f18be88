"""Open images: a PNG, JPEG, BMP or TIFF file whose header is read, and whose pixels are decoded when they are asked for.

The format is recognised by the content of a file, not by its name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from minunet.data.reading.completeness import check_complete, check_rows
from minunet.data.reading.decoding_memory import IN_PILLOW, OTHERS_IN_PILLOW, check_memory, whole_size
from minunet.data.reading.deep_colour import deep_values, is_deep
from minunet.data.reading.file_errors import unsupported_content, user_errors
from minunet.data.reading.image_header import ImageHeader, orientation_of, read_header
from minunet.data.reading.pillow_files import open_with_pillow, pillow_limit_lifted, pillow_warnings_ignored
from minunet.data.reading.pixels import as_16_bits, finite, from_pil, grey_if_equal, upright
from minunet.data.reading.tiff_arrays import TiffArray, may_hold_channels, open_with_tifffile
from minunet.data.reading.tiff_pages import page_file
from minunet.data.reading.unsupported import is_misread
from minunet.errors import UserError
from minunet.files.reading import open_regular

MAX_PIXELS = 2**29  # 537 megapixels, 1.6 GB in colour: larger than one scanned region, smaller than a whole slide
LONGEST_SIDE = 2**17  # pixels; what is longer is a line and no picture, and one row of it may be all that memory holds


class OpenImage:
    """An image file that is open for reading; see `open_image`.

    Attributes
    ----------
    header : ImageHeader
    pillow : PIL.Image.Image or None
        Not decoded yet; None for a TIFF that is read through tifffile.
    file : binary file
    deep : bool
        Whether it has 16 bits a channel, of which Pillow alone gives the upper 8.
    """

    def __init__(
        self, path: Path, header: ImageHeader, image: Image.Image | TiffArray, file: BinaryIO, deep: bool = False
    ):
        self.header, self.file = header, file
        self.deep = deep
        self.pillow = None if isinstance(image, TiffArray) else image
        self._path, self._image = path, image

    def pixels(self, *, mask: bool = False) -> np.ndarray:
        """Decode the pixels.

        Parameters
        ----------
        mask : bool
            How transparency is composited, see `minunet.data.reading.pixels.from_pil`.

        Returns
        -------
        ndarray, (H, W) or (H, W, C)
            Numbers of the type that the file stores, in native byte order.

        Raises
        ------
        UserError
            Naming the file, what is wrong with it, and the remedy.
        """
        check_memory(self._path, self.header, whole_size(self.pillow, self.deep and not mask))
        if isinstance(self._image, TiffArray) or (self.deep and not mask):
            values = self._wide_values(mask)
            if not mask:
                return values
            with self.usable():
                return grey_if_equal(as_16_bits(values))
        image = self.load()
        with self.usable():
            return from_pil(image, mask=mask)

    def wide_mask(self) -> np.ndarray:
        """The values of a mask with 16 bits a channel, or in a TIFF that is read through tifffile, as they are stored.

        Returns
        -------
        ndarray, (H, W) or (H, W, C)

        Raises
        ------
        UserError
            As for `pixels`, and for channels that may be separate masks.
        """
        check_memory(self._path, self.header, whole_size(self.pillow, self.deep))
        return self._wide_values(True)

    def _wide_values(self, mask: bool) -> np.ndarray:
        self.check()
        with self.usable():
            if isinstance(self._image, TiffArray):
                return upright(grey_if_equal(finite(self._image.values(mask=mask))), self.header.orientation)
            image = open_with_pillow(self.file)  # again, because the orientation may be known only after decoding
            values = deep_values(image, lambda: open_with_pillow(self.file), self._load, mask=mask)
            return upright(grey_if_equal(values), orientation_of(image))

    def check(self) -> None:
        """Refuse a file that does not hold all of its picture; the pixels are not decoded."""
        with self.user_errors():
            if isinstance(self._image, TiffArray):
                self._image.check()
            else:
                check_complete(self.file, self._image)

    def load(self) -> Image.Image:
        """Decode the pixels, and leave them where Pillow put them; not for a TIFF that is read through tifffile."""
        assert self.pillow is not None
        check_memory(self._path, self.header, IN_PILLOW.get(self.pillow.mode, OTHERS_IN_PILLOW))
        self.check()
        with self.user_errors():
            self._load(self.pillow)
        return self.pillow

    def user_errors(self) -> contextlib.AbstractContextManager[None]:
        """A block in which whatever reading the file raises becomes a `UserError` that names it."""
        return user_errors(self._path, self.file)

    @contextlib.contextmanager
    def usable(self) -> Iterator[None]:
        """A block in which what is wrong with the values becomes a sentence that names the file."""
        with self.user_errors():
            try:
                yield
            except UserError as error:
                raise UserError(f"{self._path} has no usable pixels: {error}") from error

    def _load(self, image: Image.Image) -> None:
        with pillow_limit_lifted(image):
            image.load()
            check_rows(self.file, image)


@contextlib.contextmanager
def open_image(path: str | PathLike, *, page: int = 0) -> Iterator[OpenImage]:
    """Open an image file and read its header; the pixels are decoded later.

    Every image and mask is opened here.

    Parameters
    ----------
    path : path
    page : int
        Of a TIFF of several pages, from 0.

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        with user_errors(path):
            file = stack.enter_context(open_regular(path))
            if page:
                file = _page_of(path, file, page)
        with user_errors(path, file):
            image = _open(path, file, stack)
            deep = not isinstance(image, TiffArray) and is_deep(image)
            if isinstance(image, TiffArray):
                header = image.header
            else:
                with pillow_warnings_ignored():
                    header = read_header(image, file)
            width, height = header.size
            if max(width, height) > LONGEST_SIDE:
                raise UserError(
                    f"{path} has {width}x{height} pixels; a side has at most {LONGEST_SIDE:,}: cut it into pieces or shrink it."
                )
            if width * height > MAX_PIXELS:
                raise UserError(
                    f"{path} has {width}x{height} pixels, {width * height / 1e6:,.0f} million; at most "
                    f"{MAX_PIXELS / 1e6:,.0f} million are read at once: cut it into pieces or shrink it."
                )
        yield OpenImage(path, header, image, file, deep)


def _page_of(path: Path, file: BinaryIO, page: int) -> BinaryIO:
    found = page_file(file, page)
    if found is None:
        raise UserError(f"{path} has no page {page + 1} any more: restore the file.")
    return found


def _open(path: Path, file: BinaryIO, stack: contextlib.ExitStack) -> Image.Image | TiffArray:
    """Open a file in Pillow, or where that cannot read it right, in tifffile."""
    image = None
    try:
        image = stack.enter_context(contextlib.closing(open_with_pillow(file)))
    except UnidentifiedImageError:
        tiff = open_with_tifffile(file)
        if tiff is None:
            raise
    else:
        misread = is_misread(image)
        if not misread and not may_hold_channels(image):
            return image
        tiff = open_with_tifffile(file)
        if tiff is None or not (misread or tiff.stacked):
            file.seek(0)
            return image if tiff is None else stack.enter_context(contextlib.closing(open_with_pillow(file)))
    if tiff.unsupported:
        raise UserError(unsupported_content(path, "TIFF", tiff.unsupported))
    return tiff
