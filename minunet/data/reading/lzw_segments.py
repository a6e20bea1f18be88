"""LZW segments: the compressed strips and tiles of a TIFF for tifffile, which alone cannot unpack LZW.

Each is unpacked by Pillow as if it were a grey picture of bytes; what the bytes mean is left to tifffile.
"""

from __future__ import annotations

import importlib.util
import io
import struct
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from tifffile import TiffPage

LZW = 5  # TIFF 6.0, tag 259
_UNCOMPRESSED = 1
_FLOATING_POINT = 3  # tag 317: a predictor that only imagecodecs undoes


def has_lzw(page: TiffPage) -> bool:
    """Whether a page is compressed by LZW, and tifffile has no help to unpack it."""
    return (
        page.compression == LZW
        and page.predictor != _FLOATING_POINT
        and importlib.util.find_spec("imagecodecs") is None
    )


def read_lzw(page: TiffPage, file: BinaryIO) -> np.ndarray:
    """The array of a page for which `has_lzw` holds, as `page.asarray()` would return it."""
    assert page.dtype is not None
    page.compression = _UNCOMPRESSED  # from here on tifffile takes the segments as they are given to it
    planes, _, height, width, samples = page.shaped
    result = np.zeros((planes, 1, height, width, samples), page.dtype)
    rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, height)
    columns = page.tilewidth if page.is_tiled else width
    per_plane = len(page.dataoffsets) // planes
    for number, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        file.seek(offset)
        here = rows if page.is_tiled else min(rows, height - number % per_plane * rows)
        row_bytes = columns * samples * page.dtype.itemsize
        data, index, shape = page.decode(_unpacked(file.read(count), row_bytes, here), number)
        assert isinstance(data, np.ndarray)
        plane, _, top, left = index[:4]
        bottom, right = min(top + shape[1], height), min(left + shape[2], width)
        result[plane, 0, top:bottom, left:right] = data[0, : bottom - top, : right - left]
    return result.reshape(page.shape)


def _unpacked(data: bytes, row_bytes: int, rows: int) -> bytes:
    """The bytes of one LZW segment."""
    entries = [(256, row_bytes), (257, rows), (258, 8), (259, LZW), (262, 1), (273, 0), (277, 1), (278, rows)]
    entries.append((279, len(data)))
    place = 8 + 2 + 12 * len(entries) + 4
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, place if tag == 273 else value) for tag, value in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    with Image.open(io.BytesIO(head + data), formats=("TIFF",)) as image:
        unpacked = image.tobytes()
    assert len(unpacked) == row_bytes * rows
    return unpacked
