"""TIFF arrays: the TIFFs that Pillow does not read, or reads wrongly, read through tifffile.

They hold 64-bit, half or signed 8-bit numbers, several channels, 16-bit channels one after the other, or channels as pages.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from minunet.data.reading.deep_colour import over_white
from minunet.data.reading.image_format import is_tiff
from minunet.data.reading.image_header import ImageHeader
from minunet.data.reading.lzw_segments import has_lzw, read_lzw
from minunet.data.reading.mask_alpha import check_planes, mask_without_alpha
from minunet.data.reading.orientation import ORIENTATION, QUARTER_TURNS, usable_orientation
from minunet.data.reading.unsupported import TIFF_SIGNATURES, describe_numbers, is_in_order

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

MOST_CHANNELS = 64
_DESCRIPTION = 270
_DEFLATE_RATIO = 1032  # the most bytes that deflate makes of one; LZW makes fewer
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2  # TIFF 6.0, tag 262
_UNSPECIFIED, _PREMULTIPLIED, _ALPHA_APART, _UNKNOWN = 0, 1, 2, 999  # TIFF 6.0, tag 338; 999 is that of old programs
_ALPHA = (_PREMULTIPLIED, _ALPHA_APART)
_UNCOMPRESSED = 1


def may_hold_channels(image: Image.Image) -> bool:
    """Whether an image that Pillow opened is a TIFF whose pages may be the channels of one picture."""
    return is_tiff(image) and _tells_channels(image.tag_v2.get(_DESCRIPTION, ""))


class TiffArray:
    """A TIFF that is open in tifffile.

    Parameters
    ----------
    file : binary file

    Attributes
    ----------
    header : ImageHeader
    unsupported : str or None
        The content that is not read here.
    stacked : bool
        Whether pages are the channels of one picture.
    """

    def __init__(self, file: BinaryIO):
        import logging  # neither at the top: most data sets do not need them

        import tifffile

        logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it reports is found out here
        self._file = file
        file.seek(0)
        self._tiff: TiffFile = tifffile.TiffFile(file, name="", _multifile=False)
        page = self._page
        tags = {tag.code: tag.value for tag in page.tags}
        if not is_in_order(tags):
            raise ValueError("its fields are not of their types")
        orientation = page.tags.get(ORIENTATION)
        turned = usable_orientation(None if orientation is None else orientation.value)
        width, height = page.imagewidth, page.imagelength
        self.stacked = self._channel_axis() is not None
        several = not self.stacked and len(self._tiff.pages) > 1
        size = (height, width) if turned in QUARTER_TURNS else (width, height)
        self.header = ImageHeader(size, "TIFF", 2 if several else 1, turned)
        self.unsupported = self._unsupported()

    @property
    def _page(self) -> TiffPage:
        page: Any = self._tiff.pages.first
        return page

    def check(self) -> None:
        """Raise `EOFError` where the file is too short for its picture; the pixels are not decoded."""
        end = self._file.seek(0, os.SEEK_END)
        pages: list[Any] = list(self._tiff.series[0].pages) if self.stacked else [self._page]
        for page in pages:
            if page is None or not page.dataoffsets:
                raise EOFError
            stored = 0
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
                if count <= 0 or offset + count > end:
                    raise EOFError
                stored += count
            ratio = 1 if page.compression == _UNCOMPRESSED else _DEFLATE_RATIO
            if stored * ratio < page.nbytes // (len(pages) if page is self._page and self._contiguous else 1):
                raise EOFError

    def values(self, *, mask: bool = False) -> np.ndarray:
        """The values, (H, W) or (H, W, C), before the orientation is applied; see `OpenImage.pixels`."""
        axis = self._channel_axis()
        if axis is not None:
            return np.moveaxis(np.squeeze(self._tiff.series[0].asarray(maxworkers=1)), axis, -1)
        page = self._page
        array = read_lzw(page, self._file) if has_lzw(page) else page.asarray(maxworkers=1)
        if page.axes == "SYX":
            array = np.moveaxis(array, 0, -1)
        if mask and page.axes == "SYX":
            check_planes(array)
        return decoded_values(array, page, mask=mask)

    @property
    def _contiguous(self) -> bool:
        """Whether the pages follow one another in the strip of the first one, as ImageJ writes large stacks."""
        return self.stacked and self._tiff.series[0].dataoffset is not None

    def _channel_axis(self) -> int | None:
        """The axis of the channels in the first series without its axes of length 1, where pages are channels; else None."""
        if not _tells_channels(self._page.description):
            return None
        series = self._tiff.series[0]
        long = "".join(axis for axis, length in zip(series.axes, series.shape, strict=True) if length > 1)
        return long.index("C") if sorted(long) == ["C", "X", "Y"] else None

    def _unsupported(self) -> str | None:
        page = self._page
        kind = "" if page.dtype is None else page.dtype.kind
        channels = self._tiff.series[0].shape[self._channel_axis() or 0] if self.stacked else page.samplesperpixel
        in_order = (
            kind in ("u", "i", "f", "b")
            and page.axes in ("YX", "YXS", "SYX")
            and page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
            and channels <= MOST_CHANNELS
        )
        return None if in_order else describe_numbers({tag.code: tag.value for tag in page.tags})


def open_with_tifffile(file: BinaryIO) -> TiffArray | None:
    """Open a TIFF; None where the file is none, or damaged: the message about that is the same as for other files."""
    file.seek(0)
    if file.read(4) not in TIFF_SIGNATURES:
        return None
    try:
        return TiffArray(file)
    except MemoryError:
        raise
    except Exception:  # damaged, in any of many ways
        return None


def decoded_values(array: np.ndarray, page: TiffPage, *, mask: bool = False) -> np.ndarray:
    """The values of decoded pixels (H, W) or (H, W, C) of a page, or of some of its rows; see `OpenImage.pixels`."""
    if array.dtype == np.bool_:  # as Pillow reads bits
        array = array.astype(np.uint8) * 255
    if page.photometric == _WHITE_IS_ZERO and not mask and array.dtype.kind == "u":
        array = np.iinfo(array.dtype).max - array
    return _without_alpha(array, page, mask)


def _without_alpha(array: np.ndarray, page: TiffPage, mask: bool) -> np.ndarray:
    """The channels other than alpha, which is composited over white where the numbers have a white, except in a mask."""
    if array.ndim == 2:
        return array
    if array.shape[2] == 1:
        return array[..., 0]
    colours = 3 if page.photometric == _RGB else 1
    extras = page.extrasamples
    if array.shape[2] == 4 and colours == 3 and array.dtype in (np.uint8, np.uint16):  # as Pillow reads four samples
        if extras == (_UNSPECIFIED,):
            return array[..., :3]
        extras = (_ALPHA_APART,) if extras in ((), (_UNKNOWN,)) else extras
    alphas = [colours + i for i, extra in enumerate(extras) if extra in _ALPHA]
    if not alphas or max(alphas) >= array.shape[2]:
        return array
    if len(alphas) == 1 and array.shape[2] == colours + 1 and array.dtype in (np.uint8, np.uint16):
        if mask:
            return mask_without_alpha(array)
        premultiplied = extras[0] == _PREMULTIPLIED
        white = np.iinfo(array.dtype).max
        array = over_white(array[..., :colours], array[..., colours:], white, premultiplied=premultiplied)
    else:
        array = np.delete(array, alphas, axis=2)
    return array[..., 0] if array.shape[2] == 1 else array


def _tells_channels(description: Any) -> bool:
    """Whether a TIFF's description says that the picture has several channels: one of ImageJ, OME or tifffile."""
    if not isinstance(description, str):
        return False
    if description.startswith("ImageJ="):
        found = re.search(r"^channels=(\d+)", description, re.MULTILINE)
        return found is not None and int(found[1][:9]) > 1
    if description.startswith("{"):
        try:
            return "C" in json.loads(description).get("axes", "")
        except (ValueError, AttributeError, TypeError, RecursionError):
            return False
    return re.search(r"<(\w+:)?OME\b", description[:2000]) is not None and 'SizeC="1"' not in description
