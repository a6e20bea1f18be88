"""Completeness: whether an image file holds its whole picture; Pillow would fill a missing part with black.

Each check raises `EOFError` where the end is missing, and `ValueError` with a reason where the content contradicts itself. The
position in the file is kept.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from minunet.data.reading.image_format import is_bmp, is_tiff
from minunet.data.reading.unsupported import jpeg_frame

if TYPE_CHECKING:
    from PIL import BmpImagePlugin, TiffImagePlugin

# PNG (ISO 15948), 11.2.2: samples of a pixel by colour type; 8.2: the seven passes of interlacing, as start and step in x, in y.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
_PNG_BEGIN = 8  # bytes of the signature
_DEFLATE_RATIO = 1032  # deflate makes at most this many bytes of one
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_ORIENTATIONS = (b"Raw profile type", b"XML:com.adobe.xmp")
_JPEG_RATIO = 8 * 64  # pixels of a byte, at most
_HUFFMAN = (0xC0, 0xC1, 0xC2)
_AT_ONCE = 1 << 20  # bytes


def check_complete(file: BinaryIO, image: Image.Image) -> None:
    """Check an opened image before it is decoded."""
    position = file.tell()
    try:
        size = file.seek(0, os.SEEK_END)
        if image.format == "PNG":
            _check_png(file, size)
        elif image.format in ("JPEG", "MPO"):
            _check_jpeg(file, image, size)
        elif is_bmp(image):
            _check_bmp(image, size)
        elif is_tiff(image):
            _check_tiff(image, size)
    finally:
        file.seek(position)


def check_rows(file: BinaryIO, image: Image.Image) -> None:
    """Check a decoded image: a PNG may be whole, and yet hold fewer rows than its header says.

    Pillow leaves missing rows at 0. So the data are unpacked a second time only where the last row is 0, or where the rows are
    not stored in their order.
    """
    if image.format != "PNG":
        return
    last = image.crop((0, image.height - 1, image.width, image.height))
    if last.getbbox() is not None and not image.info.get("interlace"):
        return
    position = file.tell()
    try:
        _unpack_all(file, _png_header(file))
    finally:
        file.seek(position)


def has_orientation(file: BinaryIO) -> bool:
    """Whether a PNG has a chunk in which Pillow looks for an orientation, also after the pixels."""
    position = file.tell()
    try:
        size = file.seek(0, os.SEEK_END)
        return any(
            kind == b"eXIf" or (kind in _TEXTS and file.read(min(length, 20)).startswith(_ORIENTATIONS))
            for kind, length in _chunks(file, size)
        )
    except EOFError:
        return False
    finally:
        file.seek(position)


def _check_png(file: BinaryIO, size: int) -> None:
    """Every chunk is there, up to the last, and is as its checksum says."""
    stored = 0
    for kind, length in _chunks(file, size):
        checksum, left = zlib.crc32(kind), length
        while left > 0:
            data = file.read(min(left, _AT_ONCE))
            checksum, left = zlib.crc32(data, checksum), left - (len(data) or left)
        if file.read(4) != checksum.to_bytes(4, "big"):
            raise ValueError(f"the checksum of its chunk {ascii(kind)[2:-1]} is wrong")
        stored += length if kind == b"IDAT" else 0
    if stored * _DEFLATE_RATIO < _png_bytes(_png_header(file)):
        raise EOFError


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk up to IEND, with the file at its data."""
    place, kind = _PNG_BEGIN, b""
    while kind != b"IEND":
        file.seek(place)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        place += 8 + length + 4
        if place > size:
            raise EOFError
        yield kind, length


def _png_header(file: BinaryIO) -> tuple[int, int, int, bool]:
    """Width, height, bits of a pixel, and whether the rows are interlaced."""
    file.seek(_PNG_BEGIN + 8)
    header = file.read(13)
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    return width, height, header[8] * _PNG_SAMPLES[header[9]], bool(header[12])


def _png_bytes(header: tuple[int, int, int, bool]) -> int:
    """The bytes of all rows, unpacked; each row begins with the number of its filter."""
    width, height, bits, interlaced = header
    total = 0
    for x, x_step, y, y_step in _PNG_PASSES if interlaced else ((0, 1, 0, 1),):
        columns, rows = max(0, ceil((width - x) / x_step)), max(0, ceil((height - y) / y_step))
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _unpack_all(file: BinaryIO, header: tuple[int, int, int, bool]) -> None:
    """Unpack as many bytes as the header promises, without keeping them."""
    missing, unpacker = _png_bytes(header), zlib.decompressobj()
    size = file.seek(0, os.SEEK_END)
    for kind, length in _chunks(file, size):
        left = length if kind == b"IDAT" else 0
        while left > 0 and missing > 0 and not unpacker.eof:
            packed = file.read(min(left, _AT_ONCE))
            left -= len(packed) or left
            while packed and missing > 0:
                missing -= len(unpacker.decompress(packed, _AT_ONCE))
                packed = unpacker.unconsumed_tail
        if missing <= 0:
            return
    if missing - len(unpacker.flush()) > 0:
        raise EOFError


def _check_jpeg(file: BinaryIO, image: Image.Image, size: int) -> None:
    """A block of 8x8 pixels takes at least one bit, unless the coding is arithmetic."""
    if image.width * image.height <= _JPEG_RATIO * size:
        return
    marker, _ = jpeg_frame(file) or (0, 0)
    if marker in _HUFFMAN:
        raise EOFError


def _check_bmp(image: BmpImagePlugin.BmpImageFile, size: int) -> None:
    for codec, _, offset, arguments in image.tile:
        stride = arguments[1] if isinstance(arguments, tuple) and codec == "raw" else 0
        if offset + stride * image.height > size:
            raise EOFError


def _check_tiff(image: TiffImagePlugin.TiffImageFile, size: int) -> None:
    """Pillow reads uncompressed strips and tiles one by one, and leaves those at 0 that the file does not list."""
    tags = image.tag_v2
    if tags.next >= size:  # of the next page
        raise EOFError
    width, height = tags[256], tags[257]
    if 324 in tags:
        listed, pieces = tags[324], ceil(width / tags[322]) * ceil(height / tags[323])
    elif 273 in tags:
        listed, pieces = tags[273], ceil(height / tags.get(278, height))
    else:
        raise ValueError("it does not say where its pixels are")
    planes = tags.get(277, 1) if tags.get(284, 1) == 2 else 1
    if len(listed) < pieces * planes:
        raise EOFError
