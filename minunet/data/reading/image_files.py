"""Images: picture files read whole into arrays, or refused with a sentence that says what is wrong with them.

PNG, JPEG, BMP and TIFF are read, known by their content and not by their name; the array side of the same work (grey, colour,
threshold, resizing) is gathered here too.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from minunet.data.reading.pixels import from_pil, to_grey, to_rgb
from minunet.data.reading.resize import resize_area, resize_bilinear
from minunet.data.reading.threshold import binarise, otsu_threshold
from minunet.errors import UserError

__all__ = [
    "Header",
    "binarise",
    "decode",
    "decode_mask",
    "from_pil",
    "otsu_threshold",
    "read",
    "resize_area",
    "resize_bilinear",
    "to_grey",
    "to_rgb",
]

MAX_PIXELS = 2**29  # 537 megapixels, 1.6 GB in colour: larger than one scanned region, smaller than a whole slide
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "DIB", "TIFF")  # MPO: the JPEG of a phone, with a preview behind it

_SIGNATURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
_pillow_globals = threading.RLock()


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before a pixel is decoded.

    Attributes
    ----------
    size : (width, height)
        In pixels, upright (EXIF orientation applied).
    format : str
        "PNG", "JPEG", "MPO", "BMP", "DIB" or "TIFF".
    frames : int
        Pictures in the file; only the first is read.
    """

    size: tuple[int, int]
    format: str
    frames: int


def decode(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read an image file.

    Parameters
    ----------
    path : path
        A PNG, JPEG, BMP or TIFF file.
    report : callable or None
        Called with a sentence on what the user should know, such as frames that are not read; by default a Python
        warning. None: say nothing.

    Returns
    -------
    ndarray, (H, W) or (H, W, 3), uint8 or uint16
        Upright, transparency composited over white (see `from_pil`).

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    return _decode(path, False, report)


def decode_mask(path: str | PathLike, *, report: Callable[[str], object] | None = warnings.warn) -> np.ndarray:
    """Read a mask file: like `decode`, but transparency is composited over black, or is the mask itself."""
    return _decode(path, True, report)


def read(path: str | PathLike, *, mask: bool = False) -> Iterator[Header | np.ndarray]:
    """Read a file in two steps: the `Header` comes first, then the array, so that a file cut short still tells its size.

    Raises
    ------
    UserError
        Naming the file, at whichever step fails.
    """
    path = Path(path)
    with _explained(path), path.open("rb") as file, contextlib.closing(_open(path, file)) as image:
        with _silent():
            header = _header(image)
        width, height = header.size
        if width * height > MAX_PIXELS:
            raise UserError(
                f"{path} has {width}x{height} pixels, {width * height / 1e6:,.0f} million; at most "
                f"{MAX_PIXELS / 1e6:,.0f} million are read at once: cut it into pieces or shrink it."
            )
        yield header
        try:
            with _lifted_limit(image):
                array = from_pil(image, mask=mask)
        except UserError as error:
            raise UserError(f"{path} has no usable pixels: {error}") from error
        yield array


def _decode(path: str | PathLike, mask: bool, report: Callable[[str], object] | None) -> np.ndarray:
    header, array = read(path, mask=mask)
    if header.frames > 1 and report is not None:
        report(frames_warning(path, header.frames))
    return array


def frames_warning(path: str | PathLike, frames: int) -> str:
    return f"{path} holds {frames} frames; only the first is used: export the others as files of their own."


def _open(path: Path, file: BinaryIO) -> Image.Image:
    """Open a picture lazily, with MAX_PIXELS in place of Pillow's own limit, whose error names neither file nor remedy.

    Pillow is given the open file and not its name: by name it would map an uncompressed TIFF into memory, and then scramble
    one that its orientation turns on its side.
    """
    with _silent():
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(file)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    if image.format not in FORMATS:
        image.close()
        raise UserError(f"{path} is a {image.format} picture, which is not read here: convert it to PNG.")
    return image


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Silence Pillow's remarks on damaged metadata, for the pixels are judged here; one thread at a time."""
    with _pillow_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _lifted_limit(image: Image.Image) -> Iterator[None]:
    """Let Pillow decode a picture beyond its own limit, which only TIFF asks again while loading; one at a time."""
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


def _header(image: Image.Image) -> Header:
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    width, height = image.size
    if image.format == "TIFF":  # some Pillows give a TIFF's size turned already, some don't: ask the tags themselves
        width, height = image.tag_v2[256], image.tag_v2[257]
    turned = False
    if image.format != "PNG" or "exif" in image.info:  # of a PNG without it Pillow would decode all to look behind it
        with contextlib.suppress(Exception):  # a damaged EXIF block: from_pil leaves the picture as it lies, too
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return Header((height, width) if turned else (width, height), image.format, frames)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever reading a file raises into a `UserError` that names it."""
    try:
        yield
    except (UserError, MemoryError, GeneratorExit):
        raise
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: check the name.") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: ask for permission to read it.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder where an image file is expected.") from error
    except UnidentifiedImageError as error:
        raise UserError(_unidentified(path)) from error
    except Exception as error:  # Pillow's decoders raise almost anything on damaged data
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise UserError(
                f"{path} is truncated, the end of the picture is missing: copy or export it again."
            ) from error
        raise UserError(f"{path} is damaged ({error}): copy or export it again.") from error


def _unidentified(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return f"{path} is empty (0 bytes): copy or export it again."
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
