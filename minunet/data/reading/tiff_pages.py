"""TIFF pages: a TIFF of several pages as so many files of one page, for readers that look at the first page only.

A TIFF begins with the place of its first directory, and each directory ends with that of the next (TIFF 6.0, section 2; BigTIFF has
8 bytes in place of 4).
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import UnidentifiedImageError

from minunet.data.reading.pillow_files import open_with_pillow
from minunet.data.reading.tiff_arrays import may_hold_channels, open_with_tifffile
from minunet.data.reading.unsupported import TIFF_SIGNATURES
from minunet.files.reading import open_regular

MOST_PAGES = 100_000
_WIDTH, _HEIGHT, _KIND = 256, 257, 254
_REDUCED = 1  # of tag 254: a smaller version of another page
_Order = Literal["little", "big"]


def page_offsets(file: BinaryIO) -> list[int]:
    """The place of the directory of each page that has the size of the first one; smaller versions are left out.

    Returns
    -------
    list of int
        Empty for a file that is no TIFF, and the pages before the damage in one that is damaged.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    if start[:4] not in TIFF_SIGNATURES:
        return []
    order, where = _byte_order(start), _first_offset(start)
    offset_size, count_size, entry_size = (8, 8, 20) if _is_big(start) else (4, 2, 12)
    place = int.from_bytes(start[where], order)
    offsets: list[int] = []
    seen: set[int] = set()
    first: dict[int, int] = {}
    while 0 < place < end and place not in seen and len(seen) < MOST_PAGES:
        seen.add(place)
        file.seek(place)
        count = int.from_bytes(file.read(count_size), order)
        if count * entry_size > end - place:
            break
        entries = file.read(count * entry_size)
        tags = dict(_short_tags(entries, entry_size, order))
        first = first or tags
        same_size = all(tags.get(tag) == first.get(tag) for tag in (_WIDTH, _HEIGHT))
        if same_size and not tags.get(_KIND, 0) & _REDUCED:
            offsets.append(place)
        place = int.from_bytes(file.read(offset_size), order)
    return offsets


def count_pages(path: Path) -> int:
    """The pages of a TIFF file; 1 where pages are channels, for other files, and for files that cannot be read."""
    try:
        with open_regular(path) as file:
            count = len(page_offsets(file))
            return 1 if count < 2 or _are_channels(file) else count
    except (OSError, SyntaxError, ValueError):  # of Pillow too
        return 1


def _are_channels(file: BinaryIO) -> bool:
    """Whether the pages of a TIFF are the channels of one picture, or of several."""
    file.seek(0)
    try:
        with contextlib.closing(open_with_pillow(file)) as image:
            return may_hold_channels(image)
    except UnidentifiedImageError:
        tiff = open_with_tifffile(file)
        return tiff is not None and tiff.stacked


def page_file(file: BinaryIO, page: int) -> BinaryIO | None:
    """The same file with another page as the first one; None where it has no such page."""
    offsets = page_offsets(file)
    file.seek(0)
    if page >= len(offsets):
        return None
    start = file.read(16)
    where = _first_offset(start)
    offset = offsets[page].to_bytes(where.stop - where.start, _byte_order(start))
    return io.BufferedReader(_OtherStart(file, start[: where.start] + offset + start[where.stop :]))


class _OtherStart(io.RawIOBase):
    """A file whose first bytes are others."""

    def __init__(self, file: BinaryIO, start: bytes):
        self._file, self._start, self._position = file, start, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            self._position = offset
        elif whence == os.SEEK_CUR:
            self._position += offset
        else:
            self._position = self._file.seek(offset, whence)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._position)
        data = self._file.read(len(buffer))
        if self._position < len(self._start):
            other = self._start[self._position : self._position + len(data)]
            data = other + data[len(other) :]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _byte_order(start: bytes) -> _Order:
    return "little" if start[:2] == b"II" else "big"


def _is_big(start: bytes) -> bool:
    """Whether a TIFF is a BigTIFF."""
    return 43 in start[2:4]


def _first_offset(start: bytes) -> slice:
    """Where in the first bytes of a TIFF the place of its first directory is."""
    return slice(8, 16) if _is_big(start) else slice(4, 8)


def _short_tags(entries: bytes, entry_size: int, order: _Order) -> Iterator[tuple[int, int]]:
    """The tags of one number of 16 or 32 bits: number of the tag and value."""
    for start in range(0, len(entries), entry_size):
        entry = entries[start : start + entry_size]
        kind, value = int.from_bytes(entry[2:4], order), entry[12:] if entry_size == 20 else entry[8:]
        if kind in (3, 4):
            yield int.from_bytes(entry[:2], order), int.from_bytes(value[: 2 if kind == 3 else 4], order)
