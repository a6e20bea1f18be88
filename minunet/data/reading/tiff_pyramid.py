"""TIFF pyramids: whole slides (SVS, NDPI, OME-TIFF and other tiled TIFFs with smaller copies), read by rows of tiles.

A row of tiles is decoded by Pillow where it can, so that the pixels are those of any other TIFF; other compressions, planes one
after the other, and channels as pages are decoded by tifffile.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from minunet.data.reading.deep_colour import deep_values, is_deep
from minunet.data.reading.image_format import is_tiff
from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.orientation import ORIENTATION
from minunet.data.reading.pixels import finite, from_pil, grey_if_equal
from minunet.data.reading.pyramids import Pyramid, levels_of
from minunet.data.reading.tiff_arrays import MOST_CHANNELS, decoded_values
from minunet.data.reading.tiff_strips import has_strips_at, tiff_strips
from minunet.data.reading.unsupported import BIG_SIGNATURES, TIFF_SIGNATURES, is_misread

if TYPE_CHECKING:
    from tifffile import TiffFile

_TILES, _SUB_DIRECTORIES, _NDPI = 324, 330, 65420  # tags: the last one is Hamamatsu's
_LZW = 5
_RGB, _YCBCR = 2, 6  # TIFF 6.0, tag 262
_COLOURS = (0, 1, _RGB)
_JPEG = (6, 7)  # TIFF 6.0, tag 259: its decoder makes RGB of YCbCr
_MOST_PIXELS = 1 << 26  # of a row of tiles; a strip of more is the whole image


def may_be_pyramid(image: Image.Image, file: BinaryIO) -> bool:
    """Whether an image that Pillow opened may be a TIFF of tiles with further pages, with sub-directories, or of a scanner."""
    if not is_tiff(image):
        return False
    tags = image.tag_v2
    if _SUB_DIRECTORIES in tags or _NDPI in tags or (_TILES in tags and tags.next not in (0, None)):
        return True
    file.seek(0)
    return file.read(4) in BIG_SIGNATURES  # Pillow does not know where these say that they have others


def open_pyramid(path: Path, file: BinaryIO, *, single: bool = False) -> TiffPyramid | None:
    """Open a TIFF by its tiles.

    Parameters
    ----------
    path : Path
    file : binary file
    single : bool
        Also where it has one level only.

    Returns
    -------
    TiffPyramid or None
        None where it is none, or is not of a form that is read by tiles.
    """
    file.seek(0)
    if file.read(4) not in TIFF_SIGNATURES:
        return None
    try:
        pyramid = TiffPyramid(path, file)
    except MemoryError:
        raise
    except Exception:  # damaged, in any of many ways: the message is that for any other file
        return None
    if not pyramid.is_usable:
        return None
    if pyramid.is_slide or (len(pyramid.levels) > 1 and (single or pyramid.is_told)):
        return pyramid
    return pyramid if single and pyramid.is_plain else None


class TiffPyramid(Pyramid):
    """A TIFF that is read by its tiles; see `open_pyramid`.

    Parameters
    ----------
    path : Path
    file : binary file

    Attributes
    ----------
    is_usable : bool
        Whether its pixels are of a form that is read by tiles.
    """

    def __init__(self, path: Path, file: BinaryIO):
        import tifffile  # not at the top: most data sets do not need it

        self.path, self._file = path, file
        file.seek(0)
        self._tiff: TiffFile = tifffile.TiffFile(file, name=path.name, _multifile=False)  # an NDPI is told by its name
        series: Any = self._tiff.series[0]
        stored = [level for level in series.levels if level.keyframe is not None]
        stored.sort(key=lambda level: -level.keyframe.imagewidth * level.keyframe.imagelength)
        self._levels = [_StoredLevel(file, level) for level in stored]
        self.levels = levels_of([(level.keyframe.imagewidth, level.keyframe.imagelength) for level in self._levels])
        self.header = ImageHeader((self.levels[0].width, self.levels[0].height), "TIFF", 1)
        self.notes = []
        self.is_usable = all(level.is_usable for level in self._levels)

    @property
    def is_slide(self) -> bool:
        """Whether it comes from a slide scanner, so that its other pages are a label and an overview."""
        return bool(self._tiff.is_svs or self._tiff.is_ndpi)

    @property
    def is_told(self) -> bool:
        """Whether smaller pages are copies: in sub-directories, of tiles, or of a scanner; other pages of strips are pictures."""
        page = self._levels[0].keyframe
        return bool(page.is_tiled or _SUB_DIRECTORIES in page.tags or _NDPI in page.tags)

    @property
    def is_plain(self) -> bool:
        """Whether tifffile decodes it as Pillow does, without another package: no JPEG, no bits, no LZW."""
        page = self._levels[0].keyframe
        return page.compression not in (_LZW, *_JPEG) and page.dtype.kind != "b"

    def check(self) -> None:
        """Raise `EOFError` where the file is too short for its largest level; the pixels are not decoded."""
        self._file.seek(0, 2)
        end = self._file.tell()
        for frame in self._levels[0].frames:
            if any(offset + count > end for offset, count in zip(frame.dataoffsets, frame.databytecounts, strict=True)):
                raise EOFError

    def values(self, *, mask: bool = False) -> np.ndarray:
        """All of level 0, (H, W) or (H, W, C)."""
        return self.whole()

    def dtype(self) -> np.dtype:
        """The type of the numbers."""
        stored = self._levels[0].keyframe.dtype
        return np.dtype(np.uint8) if stored == np.bool_ else np.dtype(stored).newbyteorder("=")

    def channels(self) -> int:
        """The number of channels."""
        return self._levels[0].channels

    def tile_row_bytes(self, level: int) -> int:
        """The memory that a row of tiles takes, decoded and as Pillow has it."""
        return 2 * self._levels[level].tile_row_bytes

    def strips(self, level: int, rows: int, start: int) -> Iterator[np.ndarray]:
        """See `Pyramid.strips`."""
        return self._levels[level].strips(rows, start)


class _StoredLevel:
    """A level as the file stores it: one page, or a page for each channel.

    Parameters
    ----------
    file : binary file
    series : tifffile.TiffPageSeries
    """

    def __init__(self, file: BinaryIO, series: Any):
        self._file = file
        self.keyframe: Any = series.keyframe
        self.frames: Sequence[Any] = [page for page in series.pages if page is not None]
        long = [(axis, length) for axis, length in zip(series.axes, series.shape, strict=True) if length > 1]
        self._axes = "".join(axis for axis, _ in long if axis not in "YX")
        self.channels = math.prod(length for axis, length in long if axis in "CS")
        page = self.keyframe
        orientation = page.tags.get(ORIENTATION)
        colours = page.photometric in _COLOURS or (page.photometric == _YCBCR and page.compression in _JPEG)
        tile = page.tilelength if page.is_tiled else page.rowsperstrip
        self.tile_rows = min(int(tile), page.imagelength)
        self.is_usable = (
            (self._axes in ("", "S") if len(self.frames) == 1 else self._axes == "C" and page.samplesperpixel == 1)
            and page.dtype is not None
            and page.dtype.kind in "uifb"
            and colours
            and self.channels <= MOST_CHANNELS
            and (orientation is None or orientation.value == 1)
            and page.imagewidth * self.tile_rows <= _MOST_PIXELS
            and page.imagedepth == 1
            and all(len(frame.dataoffsets) == math.prod(page.chunked) for frame in self.frames)
        )

    @property
    def tile_row_bytes(self) -> int:
        """The memory that a row of decoded tiles takes."""
        return int(self.keyframe.imagewidth * self.tile_rows * self.channels * self.keyframe.dtype.itemsize)

    def strips(self, rows: int, start: int) -> Iterator[np.ndarray]:
        """See `Pyramid.strips`."""
        strips = self._by_pillow() if self._is_for_pillow() else self._by_tifffile
        step = max(1, rows // self.tile_rows) * self.tile_rows
        first = start // self.tile_rows * self.tile_rows
        for top in range(first, self.keyframe.imagelength, step):
            strip = strips(top, min(top + step, self.keyframe.imagelength))
            yield strip[start - top :] if top < start else strip

    def _is_for_pillow(self) -> bool:
        """Whether Pillow decodes the page right: it is asked for the first tiles."""
        page = self.keyframe
        whole = len(self.frames) == 1 and all(page.databytecounts)  # tiles that are not stored are empty
        if not whole or not has_strips_at(self._file, page.offset):
            return False
        if page.compression == 1 and not page.is_tiled:  # which are cut into rows there
            return False
        with contextlib.suppress(Exception):
            strip = next(tiff_strips(self._file, 1, page.offset))()
            if not is_misread(strip):
                strip.load()
                return True
        return False

    def _by_pillow(self) -> Callable[[int, int], np.ndarray]:
        def decoded(top: int, bottom: int) -> np.ndarray:
            opened = next(tiff_strips(self._file, bottom - top, self.keyframe.offset, top // self.tile_rows))
            strip = opened()
            return grey_if_equal(deep_values(strip, opened)) if is_deep(strip) else from_pil(strip)

        return decoded

    def _by_tifffile(self, top: int, bottom: int) -> np.ndarray:
        """Rows of tiles, each tile decoded on its own."""
        page = self.keyframe
        tile_width = page.tilewidth if page.is_tiled else page.imagewidth
        down, across = -(-page.imagelength // self.tile_rows), -(-page.imagewidth // tile_width)
        planes = math.prod(page.chunked) // (down * across)  # of separate planes
        parts = []  # (h, W, samples of a tile)
        for frame in self.frames:
            for plane in range(planes):
                part: np.ndarray | None = None
                for row in range(top // self.tile_rows, -(-bottom // self.tile_rows)):
                    for column in range(across):
                        place = (plane * down + row) * across + column
                        tile, shape = self._tile(frame, place)
                        if part is None:
                            part = np.full((bottom - top, page.imagewidth, shape[-1]), page.nodata, page.dtype)
                        if tile is not None:
                            y, x = row * self.tile_rows - top, column * tile_width
                            cut = tile[0, : part.shape[0] - y, : part.shape[1] - x]
                            part[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
                assert part is not None
                parts.append(part)
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        joined = joined[..., 0] if joined.shape[2] == 1 else joined
        values = decoded_values(joined, page)
        return finite(values.astype(values.dtype.newbyteorder("="), copy=False))

    def _tile(self, frame: Any, place: int) -> tuple[np.ndarray | None, Sequence[int]]:
        """A decoded tile (1, h, w, samples), None where it is not stored, and its shape."""
        offset, count = frame.dataoffsets[place], frame.databytecounts[place]
        data = None
        if count:
            self._file.seek(offset)
            data = self._file.read(count)
            if len(data) < count:
                raise EOFError
        headers = {name: getattr(frame, name, None) for name in ("jpegtables", "jpegheader")}
        tile, _, shape = self.keyframe.decode(data, place, **headers)
        return tile, shape
