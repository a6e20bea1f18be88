"""Open images: a PNG, JPEG, BMP or TIFF file, or an OME-Zarr, whose header is read; the pixels are decoded when they are asked for.

The format is recognised by the content of a file, not by its name.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from minunet.data.reading.completeness import check_complete, check_rows
from minunet.data.reading.decoding_memory import IN_PILLOW, OTHERS_IN_PILLOW, check_memory, whole_size
from minunet.data.reading.deep_colour import deep_values, is_deep
from minunet.data.reading.file_errors import unsupported_content, user_errors
from minunet.data.reading.image_header import ImageHeader, read_header
from minunet.data.reading.orientation import orientation_of
from minunet.data.reading.pillow_files import open_with_pillow, pillow_limit_lifted, pillow_warnings_ignored
from minunet.data.reading.pixels import (
    LONGEST_SIDE,
    MAX_PIXELS,
    as_16_bits,
    finite,
    from_pil,
    grey_if_equal,
    upright,
)
from minunet.data.reading.pyramids import Pyramid
from minunet.data.reading.tiff_arrays import may_hold_channels, open_with_tifffile
from minunet.data.reading.tiff_pages import page_file
from minunet.data.reading.tiff_pyramid import may_be_pyramid, open_pyramid
from minunet.data.reading.unsupported import is_misread
from minunet.data.reading.zarr_image import ZarrImage
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.errors import UserError
from minunet.files.reading import open_regular


class StoredArray(Protocol):
    """An image that is not read by Pillow."""

    header: ImageHeader

    def check(self) -> None:
        """Raise `EOFError` where the file does not hold all of its picture; the pixels are not decoded."""

    def values(self, *, mask: bool = False) -> np.ndarray:
        """The values, (H, W) or (H, W, C), before the orientation is applied; see `OpenImage.pixels`."""


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
    pyramid : Pyramid or None
        The image by its levels and tiles, where it is stored so.
    """

    def __init__(
        self,
        path: Path,
        header: ImageHeader,
        image: Image.Image | StoredArray,
        file: BinaryIO,
        deep: bool = False,
        pyramid: Pyramid | None = None,
    ):
        self.header, self.file = header, file
        self.deep, self.pyramid = deep, pyramid
        self.pillow = image if isinstance(image, Image.Image) else None
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
        width, height = self.header.size
        if width * height > MAX_PIXELS:  # of what is read by tiles; others are refused when they are opened
            raise UserError(_too_many_pixels(self._path, width, height))
        check_memory(self._path, self.header, whole_size(self.pillow, self.deep and not mask))
        if self.pyramid is not None and not mask:
            self.check()
            with self.usable():
                return finite(self.pyramid.whole())
        if not isinstance(self._image, Image.Image) or (self.deep and not mask):
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
            if not isinstance(self._image, Image.Image):
                return upright(grey_if_equal(finite(self._image.values(mask=mask))), self.header.orientation)
            image = open_with_pillow(self.file)  # again, because the orientation may be known only after decoding
            values = deep_values(image, lambda: open_with_pillow(self.file), self._load, mask=mask)
            return upright(grey_if_equal(values), orientation_of(image))

    def check(self) -> None:
        """Refuse a file that does not hold all of its picture; the pixels are not decoded."""
        with self.user_errors():
            if isinstance(self._image, Image.Image):
                check_complete(self.file, self._image)
            else:
                self._image.check()

    def load(self) -> Image.Image:
        """Decode the pixels, and leave them where Pillow put them; only where `pillow` is not None."""
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
    if is_zarr(path):
        with user_errors(path):
            folder = ZarrImage(path)
        yield OpenImage(path, folder.header, folder, io.BytesIO(), pyramid=folder)
        return
    with contextlib.ExitStack() as stack:
        with user_errors(path):
            file: BinaryIO = stack.enter_context(open_regular(path))
            if page:
                file = _page_of(path, file, page)
        with user_errors(path, file):
            image, pyramid = _open(path, file, stack, page)
            deep = isinstance(image, Image.Image) and is_deep(image)
            if pyramid is not None:
                header = pyramid.header
            elif not isinstance(image, Image.Image):
                header = image.header
            else:
                with pillow_warnings_ignored():
                    header = read_header(image, file)
            width, height = header.size
            if pyramid is not None:
                pass  # read by tiles: `Pyramid.check_size` says what is too large
            elif max(width, height) > LONGEST_SIDE:
                raise UserError(
                    f"{path} has {width}x{height} pixels; a side has at most {LONGEST_SIDE:,}: cut it into pieces or shrink it."
                )
            elif width * height > MAX_PIXELS:
                raise UserError(_too_many_pixels(path, width, height))
        yield OpenImage(path, header, image, file, deep, pyramid)


def _too_many_pixels(path: Path, width: int, height: int) -> str:
    return (
        f"{path} has {width}x{height} pixels, {width * height / 1e6:,.0f} million; at most "
        f"{MAX_PIXELS / 1e6:,.0f} million are read at once: cut it into pieces or shrink it."
    )


def _page_of(path: Path, file: BinaryIO, page: int) -> BinaryIO:
    found = page_file(file, page)
    if found is None:
        raise UserError(f"{path} has no page {page + 1} any more: restore the file.")
    return found


def _open(
    path: Path, file: BinaryIO, stack: contextlib.ExitStack, page: int
) -> tuple[Image.Image | StoredArray, Pyramid | None]:
    """Open a file in Pillow, or where that cannot read it right, in tifffile; and a slide by its levels."""
    image, pyramid = None, None
    try:
        image = stack.enter_context(contextlib.closing(open_with_pillow(file)))
    except UnidentifiedImageError:
        tiff = open_with_tifffile(file)
        if tiff is None:
            raise
        pyramid = open_pyramid(path, file)
    else:
        if not page and may_be_pyramid(image, file):
            pyramid = open_pyramid(path, file)
            file.seek(0)
            image = stack.enter_context(contextlib.closing(open_with_pillow(file)))
        misread = is_misread(image)
        if not misread and not may_hold_channels(image):
            return image, pyramid
        tiff = open_with_tifffile(file)
        if tiff is None or not (misread or tiff.stacked):
            file.seek(0)
            if tiff is not None:
                image = stack.enter_context(contextlib.closing(open_with_pillow(file)))
            return image, pyramid
    if tiff.unsupported:
        if pyramid is not None:
            return pyramid, pyramid
        raise UserError(unsupported_content(path, "TIFF", tiff.unsupported))
    return tiff, pyramid
