"""TIFF files by strips: some rows of an image at a time, where the whole image would need too much memory.

A TIFF stores strips of rows, or tiles. Some of them are written to a small TIFF file in memory, with the header of the
large one, and Pillow decodes that, with any compression.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from PIL import Image

from minunet.data.reading.image_format import is_tiff

# TIFF 6.0, section 2: bytes of a value, by the type of a field.
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SHORT, _LONG, _LONG_8 = 3, 4, 16  # the last one in BigTIFF only
_WIDTH, _LENGTH, _BITS, _COMPRESSION = 256, 257, 258, 259
_STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANES = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
# Other fields that affect pixels: photometric interpretation, order of bits, orientation, predictor, palette, kinds of samples,
# and the settings of JPEG and YCbCr. Other fields, such as descriptions, are left out.
_OTHERS = (262, 266, 274, 317, 320, 338, 339, 347, 529, 530, 531, 532)
_READ_FIELDS = {
    *(_WIDTH, _LENGTH, _BITS, _COMPRESSION, _STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANES),
    *(_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES, *_OTHERS),
}
_UNCOMPRESSED = 1
# None, LZW, JPEG, Deflate (both numbers), PackBits, LZMA, Zstandard: each strip or tile is compressed on its own.
_COMPRESSIONS = (_UNCOMPRESSED, 5, 7, 8, 32946, 32773, 34925, 50000)
_PLACES = (_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES)
_KINDS = {
    b"II*\0": ("<", False),
    b"MM\0*": (">", False),
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}  # BigTIFF or not
_MOST_FIELDS = 1 << 16  # of a directory; TIFF has no more
_MOST_PIXELS = 1 << 25  # of a row of tiles, or of a strip


class _Field(NamedTuple):
    """A field of the directory: type, number of values, and their bytes."""

    type: int
    number: int
    data: bytes


class _Piece(NamedTuple):
    """A strip, or a row of tiles: the places of its data in the file, and how many rows of the image it has."""

    places: list[tuple[int, int]]
    rows: int


@dataclass
class _Directory:
    """The fields of an image."""

    order: str  # "<" or ">"
    fields: dict[int, _Field]

    def values(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The whole numbers of a field."""
        entry = self.fields.get(tag)
        if entry is None or entry.type not in (1, _SHORT, _LONG, _LONG_8):
            return default
        letter = {1: "B", _SHORT: "H", _LONG: "I", _LONG_8: "Q"}[entry.type]
        return struct.unpack(f"{self.order}{entry.number}{letter}", entry.data)

    def value(self, tag: int, default: int = 0) -> int:
        """The first whole number of a field."""
        return self.values(tag, (default,))[0]

    def pieces(self) -> list[_Piece]:
        """The strips or rows of tiles, from top to bottom; none where they contradict the size of the image."""
        width, height = self.value(_WIDTH), self.value(_LENGTH)
        tiled = _TILE_OFFSETS in self.fields
        rows = self.value(_TILE_LENGTH) if tiled else min(height, self.value(_STRIP_ROWS, height))
        across = -(-width // max(1, self.value(_TILE_WIDTH))) if tiled else 1
        offsets = self.values(_TILE_OFFSETS if tiled else _STRIP_OFFSETS)
        sizes = self.values(_TILE_BYTES if tiled else _STRIP_BYTES)
        count = -(-height // max(1, rows)) * across
        if not rows or len(offsets) != count or len(sizes) != count:
            return []
        places = list(zip(offsets, sizes, strict=True))
        pieces = [
            _Piece(places[k * across : (k + 1) * across], min(rows, height - k * rows)) for k in range(count // across)
        ]
        return pieces if tiled or self.value(_COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED else self._split(pieces)

    def _split(self, strips: list[_Piece]) -> list[_Piece]:
        """Uncompressed strips, row by row."""
        row_bytes = (self.value(_WIDTH) * sum(self.values(_BITS, (1,) * self.value(_SAMPLES, 1))) + 7) // 8
        if any(strip.places[0][1] < strip.rows * row_bytes for strip in strips):
            return []
        return [
            _Piece([(offset + row * row_bytes, row_bytes)], 1)
            for (offset, _), rows in ((strip.places[0], strip.rows) for strip in strips)
            for row in range(rows)
        ]


def has_tiff_strips(image: Image.Image, file: BinaryIO) -> bool:
    """Whether `tiff_strips` can read an opened image: it is upright, and its strips or tiles are small enough."""
    if not is_tiff(image) or image.tag_v2.get(274, 1) != 1:
        return False
    return has_strips_at(file, None)


def has_strips_at(file: BinaryIO, place: int | None) -> bool:
    """Whether `tiff_strips` can read the image whose directory is at a place of a file; None is the first one."""
    directory = _read_directory(file, place)
    if directory is None or directory.value(_COMPRESSION, _UNCOMPRESSED) not in _COMPRESSIONS:
        return False
    if directory.value(_PLANES, 1) != 1 and directory.value(_SAMPLES, 1) != 1:
        return False
    pieces = directory.pieces()
    return bool(pieces) and directory.value(_WIDTH) * max(piece.rows for piece in pieces) <= _MOST_PIXELS


def tiff_strips(
    file: BinaryIO, rows: int, place: int | None = None, first: int = 0
) -> Iterator[Callable[[], Image.Image]]:
    """The image from top to bottom, in strips of at least a strip or a row of tiles, else at most `rows` rows.

    Each is opened by a call.

    Parameters
    ----------
    file : binary file
    rows : int
    place : int, optional
        Of the directory of the image; the first one by default.
    first : int
        The strip, or row of tiles, to begin with.

    Raises
    ------
    EOFError
        If the file ends early.
    """
    directory = _read_directory(file, place)
    pieces = [] if directory is None else directory.pieces()
    if directory is None or not pieces:
        raise ValueError("its strips contradict its size")
    start = first
    while start < len(pieces):
        stop, count = start + 1, pieces[start].rows
        while stop < len(pieces) and count + pieces[stop].rows <= rows:
            count += pieces[stop].rows
            stop += 1
        yield _opener(directory, file, pieces[start:stop], count)
        start = stop


def _read_directory(file: BinaryIO, place: int | None = None) -> _Directory | None:
    """The directory at a place, else that of the first image; None for a file that is no TIFF."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(16)
    order, big = _KINDS.get(start[:4], ("", False))
    if not order:
        return None
    offset, counter, entry, inside = ("Q", "Q", "HHQ8s", 8) if big else ("I", "H", "HHI4s", 4)
    file.seek(struct.unpack(f"{order}{offset}", start[inside : 2 * inside])[0] if place is None else place)
    (count,) = struct.unpack(f"{order}{counter}", _read(file, struct.calcsize(f"{order}{counter}")))
    if count > _MOST_FIELDS:
        return None
    entries = [struct.unpack(f"{order}{entry}", _read(file, 20 if big else 12)) for _ in range(count)]
    fields = {}
    for tag, kind, number, data in entries:
        if kind not in _TYPE_BYTES or tag not in _READ_FIELDS:
            continue
        size = _TYPE_BYTES[kind] * number
        if size > end:
            raise EOFError
        if size > inside:
            file.seek(struct.unpack(f"{order}{offset}", data)[0])
            data = _read(file, size)
        fields[tag] = _Field(kind, number, data[:size])
    return _Directory(order, fields)


def _opener(directory: _Directory, file: BinaryIO, pieces: list[_Piece], rows: int) -> Callable[[], Image.Image]:
    """What opens the image of some pieces, which Pillow decodes when it is used."""
    order = directory.order
    content = io.BytesIO()
    content.write((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    offsets, sizes = [], []
    for offset, size in (place for piece in pieces for place in piece.places):
        file.seek(offset)
        offsets.append(content.tell())
        sizes.append(size)
        content.write(_read(file, size))
    tiled = _TILE_OFFSETS in directory.fields
    fields = {  # a TIFF of 32 bits, also of a part of a BigTIFF
        tag: _numbers(order, list(directory.values(tag))) if entry.type == _LONG_8 and tag not in _PLACES else entry
        for tag, entry in directory.fields.items()
    }
    fields[_LENGTH] = _numbers(order, [rows])
    fields[_TILE_OFFSETS if tiled else _STRIP_OFFSETS] = _numbers(order, offsets)
    fields[_TILE_BYTES if tiled else _STRIP_BYTES] = _numbers(order, sizes)
    if not tiled:
        fields[_STRIP_ROWS] = _numbers(order, [pieces[0].rows])
    _write_directory(content, order, fields)
    return functools.partial(_opened, content.getvalue())


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=("TIFF",))


def _numbers(order: str, values: list[int]) -> _Field:
    return _Field(_LONG, len(values), struct.pack(f"{order}{len(values)}I", *values))


def _write_directory(content: io.BytesIO, order: str, fields: dict[int, _Field]) -> None:
    """Write the long values, then the directory, and its place into the header."""
    entries = []
    for tag, (kind, number, data) in sorted(fields.items()):
        if len(data) > 4:
            content.seek(content.seek(0, io.SEEK_END) % 2, io.SEEK_CUR)  # at an even place
            place = content.tell()
            content.write(data)
            data = struct.pack(f"{order}I", place)
        entries.append(struct.pack(f"{order}HHI", tag, kind, number) + data.ljust(4, b"\0"))
    content.seek(content.seek(0, io.SEEK_END) % 2, io.SEEK_CUR)
    place = content.tell()
    content.write(struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4))
    content.seek(4)
    content.write(struct.pack(f"{order}I", place))


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data
