"""A PNG file that is written some rows at a time, so that a picture may be larger than memory.

Pillow encodes a PNG only as a whole. Each strip is therefore encoded as a small PNG, uncompressed, with the row before it on top,
for the filters; the filtered rows are taken out of it, and compressed as one stream.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from minunet.data.reading.png_strips import SIGNATURE, png_chunk
from minunet.results.picture import png_bytes

COLOUR_TYPE, INDEXED = 9, b"\x03"  # its place in the header; a palette


class PngFile:
    """A picture that is being written from top to bottom.

    Parameters
    ----------
    file : binary file
    height : int
        Of the whole picture; width and kind of pixels are those of the first strip.
    compress_level : int
        From 0 (large and fast) to 9 (small and slow).
    palette : ndarray, (colours, 3) uint8, optional
        The rows are then its indices, (h, W) uint8.
    texts : mapping of str to str, optional
        What the file says of itself, by keywords of Latin letters.
    """

    def __init__(
        self,
        file: BinaryIO,
        height: int,
        compress_level: int = 6,
        palette: np.ndarray | None = None,
        texts: Mapping[str, str] | None = None,
    ):
        self._file, self._height, self._palette, self._texts = file, height, palette, texts or {}
        self._packer = zlib.compressobj(compress_level, memLevel=9, strategy=zlib.Z_FILTERED)  # as Pillow does
        self._last_row: np.ndarray | None = None
        self._rows = 0

    def write(self, strip: np.ndarray) -> None:
        """Append rows: arrays as `minunet.results.picture.png_bytes` accepts them, all of one width and one dtype."""
        first = self._last_row is None
        header, filtered = _encoded(strip if self._last_row is None else np.concatenate([self._last_row, strip]))
        if first:
            header = header[:4] + struct.pack(">I", self._height) + header[8:]
            if self._palette is not None:
                header = header[:COLOUR_TYPE] + INDEXED + header[COLOUR_TYPE + 1 :]
            self._file.write(SIGNATURE + png_chunk(b"IHDR", header))
            if self._palette is not None:
                self._file.write(png_chunk(b"PLTE", self._palette.tobytes()))
            for keyword, text in self._texts.items():  # keyword, not compressed, of no language, then the text
                self._file.write(png_chunk(b"iTXt", keyword.encode("latin-1") + bytes(5) + text.encode()))
        else:
            filtered = filtered[len(filtered) // (len(strip) + 1) :]
        self._rows += len(strip)
        self._last_row = strip[-1:].copy()
        self._append(self._packer.compress(filtered))

    def finish(self) -> None:
        """Write what is left, and the end of the file.

        Raises
        ------
        ValueError
            If there were fewer or more rows than the height.
        """
        if self._rows != self._height:
            raise ValueError(f"a picture of {self._height} rows was given {self._rows}")
        self._append(self._packer.flush())
        self._file.write(png_chunk(b"IEND", b""))

    def _append(self, packed: bytes) -> None:
        if packed:
            self._file.write(png_chunk(b"IDAT", packed))


def _encoded(image: np.ndarray) -> tuple[bytes, memoryview]:
    """The header, and the filtered rows, of an image as Pillow writes it."""
    content, place = png_bytes(image, compress_level=0), len(SIGNATURE)
    header, packed = b"", []
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        data = content[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            header = data
        elif kind == b"IDAT":
            packed.append(data)
        place += length + 12
    return header, memoryview(zlib.decompress(b"".join(packed)))
