"""PNG files by strips: some rows of an image at a time, where the whole image would need too much memory.

Pillow decodes a PNG only as a whole. Each strip is therefore written to a small PNG file in memory, with the header of the
large one, and Pillow decodes that. The pixels are those of the whole file.
"""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import Image, PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type: PNG (ISO 15948), 11.2.2
_BYTES_AS = {1: 0, 2: 4, 3: 2, 4: 6}  # the colour type whose 8-bit pixels have so many bytes
_TURNED = (b"Raw profile type", b"XML:com.adobe.xmp")  # texts in which Pillow looks for an orientation
_READ = 1 << 18  # bytes of the file at a time


@dataclass
class _Header:
    """The parts of the chunks before the pixels that are needed."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    turned: bool = False
    chunks: list[bytes] = field(default_factory=list)  # the palette and the transparent colour, as they are in the file

    @property
    def row_bytes(self) -> int:
        """Bytes of a row without the number of its filter."""
        return (self.width * self.depth * _SAMPLES[self.colour] + 7) // 8

    @property
    def pixel_bytes(self) -> int:
        """The distance in bytes at which the filters look for the pixel to the left."""
        return max(1, self.depth * _SAMPLES[self.colour] // 8)

    def image(self, rows: int, data: bytes) -> Callable[[], Image.Image]:
        """What opens the image of some unfiltered rows, each with its filter number 0."""
        header = struct.pack(">IIBBBBB", self.width, rows, self.depth, self.colour, 0, 0, 0)
        return functools.partial(_opened, header, self.chunks, data)


def has_png_strips(image: Image.Image, file: BinaryIO) -> bool:
    """Whether `png_strips` can read an opened image: its rows are in order, it is upright, and it has at most 4 bytes a pixel."""
    if not isinstance(image, PngImagePlugin.PngImageFile) or getattr(image, "n_frames", 1) > 1:
        return False
    header = _read_header(file)
    return not header.interlaced and not header.turned and header.pixel_bytes in _BYTES_AS


def png_strips(file: BinaryIO, rows: int) -> Iterator[Callable[[], Image.Image]]:
    """The image from top to bottom, `rows` rows at a time; the last strip may have fewer. Each is opened by a call.

    Raises
    ------
    EOFError
        If the file ends early.
    """
    header = _read_header(file)
    above, top, data = b"", 0, bytearray()
    pixels = _pixel_data(file)
    while top < header.height:
        count = min(rows, header.height - top)
        size = count * (1 + header.row_bytes)
        while len(data) < size:
            part = next(pixels, None)
            if part is None:
                raise EOFError
            data += part
        unfiltered = _unfiltered(header, above, bytes(data[:size]), count)
        del data[:size]
        yield header.image(count, unfiltered)
        above, top = unfiltered[-header.row_bytes :], top + count


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file: length, kind, data and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _read_header(file: BinaryIO) -> _Header:
    """Read the chunks except for the pixels; also chunks after the pixels may turn the image."""
    file.seek(len(SIGNATURE))
    header: _Header | None = None
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        start = file.tell()
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", file.read(13))
            header = _Header(width, height, depth, colour, bool(interlaced))
        elif header is None or kind == b"IEND":
            break
        elif kind in (b"PLTE", b"tRNS"):
            header.chunks.append(png_chunk(kind, file.read(length)))
        elif kind == b"eXIf" or (
            kind in (b"tEXt", b"zTXt", b"iTXt") and file.read(min(length, 20)).startswith(_TURNED)
        ):
            header.turned = True
        file.seek(start + length + 4)
    if header is None:
        raise ValueError("it has no header")
    return header


def _pixel_data(file: BinaryIO) -> Iterator[bytes]:
    """The filtered rows, unpacked in pieces that fit into memory."""
    unpacker = zlib.decompressobj()
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND" or unpacker.eof:
            return
        if kind != b"IDAT":
            file.seek(length + 4, io.SEEK_CUR)
            continue
        left, checksum = length, zlib.crc32(kind)
        while left > 0:
            packed = file.read(min(left, _READ))
            if not packed:
                raise EOFError
            left, checksum = left - len(packed), zlib.crc32(packed, checksum)
            while packed and not unpacker.eof:
                yield unpacker.decompress(packed, 16 * _READ)
                packed = unpacker.unconsumed_tail
        if file.read(4) != struct.pack(">I", checksum):
            raise ValueError("the checksum of its IDAT chunk is wrong")


def _unfiltered(header: _Header, above: bytes, data: bytes, count: int) -> bytes:
    """The bytes of some rows without their filters, each row with its filter number 0; `above` is the row before them."""
    before = b"\0" + above if above else b""
    rows = count + bool(above)
    colour = _BYTES_AS[header.pixel_bytes]
    packed = struct.pack(">IIBBBBB", header.row_bytes // header.pixel_bytes, rows, 8, colour, 0, 0, 0)
    raw = memoryview(_opened(packed, [], before + data).tobytes())
    length = header.row_bytes
    return b"".join(b"\0" + raw[row * length : (row + 1) * length] for row in range(rows - count, rows))


def _opened(header: bytes, chunks: list[bytes], data: bytes) -> Image.Image:
    """The image of filtered rows, which Pillow decodes when it is used."""
    packed = zlib.compress(data, 0)
    content = [SIGNATURE, png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", packed), png_chunk(b"IEND", b"")]
    return Image.open(io.BytesIO(b"".join(content)), formats=("PNG",))
