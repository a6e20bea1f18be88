"""A crop of images that may reach beyond their borders, where it is zero: the pixels under the windows of a block."""

from __future__ import annotations

import numpy as np

from minunet.kernels.cpu.array_types import Arrays
from minunet.kernels.cpu.recorder import clear
from minunet.kernels.cpu.scratch import Allocate
from minunet.kernels.cpu.strided_copy import copy_strided

Span = tuple[int, int]  # first pixel and the one after the last, negative above or left of the image


def padded_crop(allocate: Allocate, sources: Arrays, rows: Span, columns: Span) -> np.ndarray:
    """Some rows and columns of images (N, H, W, C_i) joined along channels: (N, rows, columns, C).

    A view where one source has all of them, else a copy in scratch memory.
    """
    images, height, width, _ = sources[0].shape
    (top, bottom), (left, right) = rows, columns
    if len(sources) == 1 and min(top, left) >= 0 and bottom <= height and right <= width:
        return sources[0][:, top:bottom, left:right]
    channels = sum(source.shape[3] for source in sources)
    crop = allocate((images, bottom - top, right - left, channels), sources[0].dtype)
    first_row, last_row = _inside(top, bottom, height)
    first_column, last_column = _inside(left, right, width)
    clear(crop[:, :first_row])
    clear(crop[:, last_row:])
    if first_row < last_row:
        clear(crop[:, first_row:last_row, :first_column])
        clear(crop[:, first_row:last_row, last_column:])
        first = 0
        for source in sources:
            last = first + source.shape[3]
            pixels = source[:, top + first_row : top + last_row, left + first_column : left + last_column]
            copy_strided(crop[:, first_row:last_row, first_column:last_column, first:last], pixels)
            first = last
    return crop


def _inside(start: int, stop: int, size: int) -> Span:
    """The part of start .. stop that is in 0 .. size, counted from start."""
    first = min(stop - start, max(0, -start))
    return first, max(first, min(stop - start, size - start))
