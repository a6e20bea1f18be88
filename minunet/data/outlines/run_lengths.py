"""Run lengths: masks as COCO stores them, lengths of background and cell in turn, column by column from the top left."""

from __future__ import annotations

import numpy as np

from minunet.errors import UserError

MOST_PIXELS = 2**29


def decode_run_lengths(stored: object, what: str) -> np.ndarray:
    """A mask from {"size": [height, width], "counts": list or compressed text}.

    Parameters
    ----------
    stored : object
        From a JSON file, so of any type.
    what : str
        Begins the sentence where it cannot be decoded.

    Returns
    -------
    ndarray, (H, W) bool

    References
    ----------
    `rleFrString` in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c
    """
    if not isinstance(stored, dict):
        raise UserError(f"{what} has run lengths that are not an object.")
    size, counts = stored.get("size"), stored.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise UserError(f"{what} has run lengths without a size.")
    height, width = size
    if height * width > MOST_PIXELS:
        raise UserError(f"{what} has run lengths of {width}x{height} pixels; at most {MOST_PIXELS:,} are read.")
    lengths = _from_text(counts, what) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(type(n) is int and 0 <= n <= height * width for n in lengths):
        raise UserError(f"{what} has run lengths that are not whole numbers.")
    if sum(lengths) != height * width:
        raise UserError(f"{what} has run lengths of {sum(lengths):,} pixels, and not of {width}x{height}.")
    is_cell = np.arange(len(lengths)) % 2 == 1
    return np.repeat(is_cell, lengths).reshape(width, height).T  # column by column


def _from_text(text: str, what: str) -> list[int]:
    """The lengths from their text: five bits a letter, the lowest first; from the fourth on differences to the last but one."""
    lengths: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(text) or not 0 <= (bits := ord(text[position]) - 48) < 64 or shift > 60:
                raise UserError(f"{what} has run lengths whose text is damaged.")
            value |= (bits & 31) << shift
            more = bool(bits & 32)
            position += 1
            shift += 5
            if not more and bits & 16:
                value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
    return lengths
