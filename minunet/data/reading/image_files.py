"""Image files: PNG, JPEG, BMP and TIFF files read whole into arrays, or refused with a message that says what is wrong.

The format is recognised by the content of a file, not by its name.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from minunet.data.reading.completeness import check_complete, check_rows, has_orientation
from minunet.data.reading.pixels import from_pil
from minunet.data.reading.unsupported import (
    REMEDY,
    unsupported_format,
    unsupported_image,
    unsupported_jpeg,
    unsupported_reason,
    unsupported_tiff,
)
from minunet.errors import UserError
from minunet.files.reading import open_regular
from minunet.forks import renew_in_child
from minunet.wording import shorten

MAX_PIXELS = 2**29  # 537 megapixels, 1.6 GB in colour: larger than one scanned region, smaller than a whole slide
LONGEST_SIDE = 2**17  # pixels; what is longer is a line and no picture, and one row of it may be all that memory holds
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF")  # with JPEG comes MPO: the JPEG of a phone, followed by a preview

_SIGNATURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_pillow_globals = threading.RLock()
renew_in_child(sys.modules[__name__], "_pillow_globals", threading.RLock)


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
        1, or 2 where the file holds several images, of which only the first is read; they are not counted.
    """

    size: tuple[int, int]
    format: str
    frames: int


class OpenImage:
    """An image file that is open for reading; see `open_image`.

    Attributes
    ----------
    header : ImageHeader
    pillow : PIL.Image.Image
        Not decoded yet.
    file : binary file
    """

    def __init__(self, path: Path, header: ImageHeader, image: Image.Image, file: BinaryIO):
        self.header, self.pillow, self.file = header, image, file
        self._path, self._image = path, image

    def pixels(self, *, mask: bool = False) -> np.ndarray:
        """Decode the pixels.

        Parameters
        ----------
        mask : bool
            How transparency is composited, see `minunet.data.reading.pixels.from_pil`.

        Returns
        -------
        ndarray, (H, W) or (H, W, 3), uint8 or uint16

        Raises
        ------
        UserError
            Naming the file, what is wrong with it, and the remedy.
        """
        image = self.load()
        with self.user_errors():
            try:
                return from_pil(image, mask=mask)
            except UserError as error:
                raise UserError(f"{self._path} has no usable pixels: {error}") from error

    def check(self) -> None:
        """Refuse a file that does not hold all of its picture; the pixels are not decoded."""
        with self.user_errors():
            check_complete(self.file, self._image)

    def load(self) -> Image.Image:
        """Decode the pixels, and leave them where Pillow put them."""
        self.check()
        with self.user_errors(), _pillow_limit_lifted(self._image):
            self._image.load()
            check_rows(self.file, self._image)
        return self._image

    def user_errors(self) -> contextlib.AbstractContextManager[None]:
        """A block in which whatever reading the file raises becomes a `UserError` that names it."""
        return _user_errors(self._path, self.file)


@contextlib.contextmanager
def open_image(path: str | PathLike) -> Iterator[OpenImage]:
    """Open an image file and read its header; the pixels are decoded later.

    Every image and mask is opened here.

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        with _user_errors(path):
            file = stack.enter_context(open_regular(path))
        with _user_errors(path, file):
            image = stack.enter_context(contextlib.closing(_open_with_pillow(file)))
            if reason := unsupported_image(image):
                raise UserError(_unsupported(path, image.format or "", reason))
            with _pillow_warnings_ignored():
                header = _header(image, file)
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
        yield OpenImage(path, header, image, file)


def decode(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    path : path
        A PNG, JPEG, BMP or TIFF file.
    report : callable or None
        Called with a sentence on what the user should know, such as frames that are not read; by default a Python
        warning. None: nothing is reported.

    Returns
    -------
    ndarray, (H, W) or (H, W, 3), uint8 or uint16
        Upright, transparency composited over white (see `minunet.data.reading.pixels.from_pil`).

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    return _decode(path, False, report)


def decode_mask(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read a mask file: like `decode`, but transparency is composited over black, or is the mask itself."""
    return _decode(path, True, report)


def frames_warning(path: str | PathLike) -> str:
    """The sentence on a file of several images."""
    return f"{path} holds several frames; only the first is used: export the others as files of their own."


def report_frames(path: str | PathLike, header: ImageHeader, report: Callable[[str], object] | None) -> None:
    """Report a file of several images."""
    if header.frames > 1 and report is not None:
        report(frames_warning(path))


def _decode(path: str | PathLike, mask: bool, report: Callable[[str], object] | None) -> np.ndarray:
    with open_image(path) as image:
        array = image.pixels(mask=mask)
    report_frames(path, image.header, report)
    return array


def _open_with_pillow(file: BinaryIO) -> Image.Image:
    """Open an image lazily, without Pillow's own limit of pixels, whose error names neither file nor remedy.

    Pillow is given the open file and not its name: by name it would map an uncompressed TIFF into memory, and then mix up
    the pixels of one whose orientation turns it by 90 degrees. Its readers of other formats are not asked.
    """
    with _pillow_warnings_ignored():
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _pillow_warnings_ignored() -> Iterator[None]:
    """Ignore Pillow's warnings about damaged metadata, since only the pixels matter; one thread at a time."""
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _pillow_limit_lifted(image: Image.Image) -> Iterator[None]:
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


def _header(image: Image.Image, file: BinaryIO) -> ImageHeader:
    several = False
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # counting pages would take as long as there are pages
        several = image.tag_v2.next not in (0, image.tag_v2._offset)
    elif image.format == "PNG":
        several = getattr(image, "n_frames", 1) > 1  # in its header
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # whether Pillow turns a TIFF's size depends on its version
        width, height = image.tag_v2[256], image.tag_v2[257]
    turned = False
    # A PNG may say how it is turned after its pixels, and more than once: Pillow knows only when it has decoded them.
    in_chunks = image.format == "PNG" and has_orientation(file)
    if image.format != "PNG" or in_chunks:
        if in_chunks:  # its errors are those of the pixels, and a second attempt might not have them
            check_complete(file, image)
            image.load()
        with contextlib.suppress(Exception):  # a damaged EXIF block: from_pil does not turn the image either
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return ImageHeader((height, width) if turned else (width, height), image.format or "", 2 if several else 1)


@contextlib.contextmanager
def _user_errors(path: Path, file: BinaryIO | None = None) -> Iterator[None]:
    """Turn every exception from reading a file into a `UserError` that names the file; `file` is it, where it could be opened."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: check the name.") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: ask for permission to read it.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder where an image file is expected.") from error
    except UnidentifiedImageError as error:
        raise UserError(_unidentified(path, file)) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged data
        if isinstance(error, OSError) and error.errno is not None:  # of the system, not of a decoder
            problem = f"cannot be read ({error.strerror}): give a PNG, JPEG, BMP or TIFF file."
        elif "truncated" in str(error).lower() or isinstance(error, EOFError):
            problem = "is truncated, the end of the picture is missing: copy or export it again."
        elif reason := unsupported_reason(error):
            problem = f"holds what is not read here ({shorten(reason)}): {REMEDY}."
        else:
            problem = f"is damaged ({shorten(error)}): copy or export it again."
        raise UserError(f"{shorten(path, 1000)} {problem}") from error


def _unsupported(path: Path, kind: str, reason: str) -> str:
    return f"{path} is a {kind} of {reason}, which is not read here: {REMEDY}."


def _unidentified(path: Path, file: BinaryIO | None) -> str:
    """The problem with a file that Pillow does not recognise."""
    start = b""
    if file is not None:
        file.seek(0)
        start = file.read(512)
    if not start:
        return f"{path} is empty (0 bytes): copy or export it again."
    if name := unsupported_format(start):
        return f"{path} is a {name} picture, which is not read here: convert it to PNG."
    if file is not None and (reason := unsupported_tiff(file, start) or unsupported_jpeg(file, start)):
        return _unsupported(path, "JPEG" if start.startswith(b"\xff\xd8") else "TIFF", reason)
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            return f"{path} starts like a {name} picture but is truncated or damaged: copy or export it again."
    text = start.decode("utf-8", errors="ignore")
    if len(text.encode()) > len(start) - 4 and all(letter.isprintable() or letter.isspace() for letter in text):
        excerpt = " ".join(text.split())[:40]
        return (
            f"{path} is a text file, not an image (it begins with {excerpt!r}): remove it or put the real image there."
        )
    return f"{path} is not an image that can be read: give a PNG, JPEG, BMP or TIFF file."
