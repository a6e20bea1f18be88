"""Unsupported images: valid files with content that is not read here, such as a TIFF of complex numbers.

Pillow takes some of them for damaged, and reads others wrongly: signed bytes as unsigned ones, two channels as the first.
"""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

from PIL import Image

from minunet.data.reading.image_format import is_tiff

REMEDY = "save it as grey or RGB of 8 or 16 bits, with ImageJ or tifffile for example"

_FORMATS = {
    b"GIF8": "GIF",
    b"\0\0\0\x0cjP": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cJXL": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"\x89HDF": "HDF5",
    b"\x93NUMPY": "NumPy",
}
IMAGECODECS = "install the package imagecodecs (pip install imagecodecs), or save it without compression"
BIG_SIGNATURES = (b"II+\0", b"MM\0+")  # BigTIFF
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", *BIG_SIGNATURES)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG, T.81, table B.1: starts of a frame
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
_MOST_SEGMENTS = 1000
# TIFF 6.0: what the samples of a pixel are (tag 339), and how many a colour has by its photometric interpretation (tag 262).
_NUMBERS = {1: "integers", 2: "signed integers", 3: "floats", 5: "complex integers", 6: "complex numbers"}
_COLOUR_SAMPLES = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
_COLOURS = {5: "CMYK", 6: "YCbCr", 8: "Lab"}
_UNCOMPRESSED, _WEBP = 1, 50001  # tag 259
_NATIVE = {"little": b"II", "big": b"MM"}[sys.byteorder]  # the first bytes of a TIFF in the byte order of this machine


def unsupported_format(start: bytes) -> str | None:
    """The name of a format that is not read here, by the first bytes of a file."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        return "HEIF or AVIF"
    return next((name for signature, name in _FORMATS.items() if start.startswith(signature)), None)


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow opens an image but would give other values than those that are stored."""
    return is_tiff(image) and _is_misread(image.tag_v2)


def unsupported_tiff(file: BinaryIO, start: bytes) -> str | None:
    """The content of a TIFF that Pillow did not open, if its directory is valid; else None."""
    if not start.startswith(TIFF_SIGNATURES):
        return None
    from PIL import TiffImagePlugin  # see `image_format`

    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(start[: 16 if 43 in start[2:4] else 8])
        if file.seek(0, os.SEEK_END) <= directory.next:
            return None
        file.seek(directory.next)
        directory.load(file)
        tags = dict(directory)
        if not all(isinstance(tags.get(tag), int) and tags[tag] > 0 for tag in (256, 257)) or not {273, 324} & set(
            tags
        ):
            return None
        return describe_numbers(tags) if is_in_order(tags) else None
    except Exception:  # the directory is damaged, in any of many ways
        return None


def unsupported_jpeg(file: BinaryIO, start: bytes) -> str | None:
    """The coding of a JPEG that Pillow did not open, if it is one that is not read here; else None."""
    if not start.startswith(b"\xff\xd8"):
        return None
    marker, bits = jpeg_frame(file) or (0, 8)
    unusual = bits != 8 or marker in _LOSSLESS
    return f"{bits}-bit {'lossless' if marker in _LOSSLESS else 'coded'} samples" if unusual else None


def jpeg_frame(file: BinaryIO) -> tuple[int, int] | None:
    """The marker that says how a JPEG is coded, and the bits of a sample (T.81, B.2.2); None where there is none."""
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return None
        if head[1] in _FRAMES:
            bits = int.from_bytes(file.read(1), "big")
            return (head[1], bits) if 2 <= bits <= 16 else None
        file.seek(max(0, int.from_bytes(head[2:], "big") - 2), os.SEEK_CUR)
    return None


def unsupported_reason(error: Exception) -> str | None:
    """The reason in an error of Pillow why it cannot read an image, if it names one."""
    text = str(error)
    if "MAX_TEXT" in text:
        return "more text than pictures carry"
    words = ("unsupported", "not supported", "not implemented", "cannot handle", "unknown compression", "not available")
    return text if any(word in text.lower() for word in words) else None


def needs_imagecodecs(error: Exception) -> bool:
    """Whether an error of tifffile says that a package would be needed to unpack the file."""
    return "imagecodecs" in str(error)


def _is_misread(tags: Any) -> bool:
    if not is_in_order(tags):
        return False
    bits, kinds = _as_tuple(tags.get(258, 1)), _as_tuple(tags.get(339, 1))
    samples, colour = tags.get(277, 1), tags.get(262, 1)
    extra = samples - _COLOUR_SAMPLES.get(colour, samples)
    alpha = _as_tuple(tags.get(338, ()))
    two_channels = extra == 1 and colour in (0, 1) and alpha[:1] in ((), (0,))
    compression = tags.get(259, _UNCOMPRESSED)
    signed_or_wide = max(bits) > 16 or (max(bits) > 8 and max(kinds) > 1)
    wrong = [
        8 in bits and 2 in kinds,  # read as if they were unsigned
        extra > 1 or two_channels,  # the others would be left out
        max(bits) > 8 and tags.get(284, 1) == 2,  # their bytes are mixed up, or the lower ones left out
        # The library that unpacks them gives the bytes in the order of this machine, and Pillow turns them a second time.
        signed_or_wide and compression != _UNCOMPRESSED and tags.prefix != _NATIVE,
        compression == _WEBP,  # known by name only
    ]
    return any(wrong)


def describe_numbers(tags: Any) -> str:
    """What a TIFF holds, by its fields: the numbers, the channels, the colours, an unusual compression."""
    bits, kinds = _as_tuple(tags.get(258, 1)), _as_tuple(tags.get(339, 1))
    samples, colour, compression = tags.get(277, 1), tags.get(262, 1), tags.get(259, 1)
    text = f"{max(bits)}-bit {_NUMBERS.get(kinds[0], 'numbers')}"
    if samples != 1:
        text += f" in {samples} channels" + (", one after the other" if tags.get(284, 1) == 2 else "")
    if colour in _COLOURS:
        text += f", {_COLOURS[colour]}"
    if compression not in (1, 5, 7, 8, 32773, 32946):
        text += f", compression {compression}"
    return text


def is_in_order(tags: Any) -> bool:
    """Whether the fields that describe the numbers are numbers themselves."""
    single = [tags.get(tag, 1) for tag in (259, 262, 277, 284)]
    several = [*_as_tuple(tags.get(258, 1)), *_as_tuple(tags.get(339, 1))]
    return bool(several) and all(isinstance(value, int) and 0 <= value < 1 << 16 for value in single + several)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)
