"""Preprocessing: how a decoded picture becomes what the network sees, and a decoded mask what it should answer.

The same few choices are stored with a trained model, so that a new image is treated as the training images were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from minunet.data.reading.pixels import divide_by_white, to_grey, to_rgb
from minunet.data.reading.resize import resize_area
from minunet.data.reading.threshold import binarise
from minunet.errors import UserError

HALF = 0.5 - 1e-6  # a pixel half covered by cell is cell; in float32 the shares of a half may add up to a little less


@dataclass(frozen=True)
class Preprocessing:
    """The choices, and the two functions that carry them out.

    Parameters
    ----------
    channels : "grey" or "rgb"
        Grey is the luma of ITU-R BT.601 (see `to_grey`).
    size : (width, height) or None
        Images and masks are resized to it by area averaging; None keeps their native resolution.
    crop : int or None
        Train on square pieces of so many pixels, cut at native resolution; goes with `size=None`.
    mask : "binary" or "grayscale"
        "binary" (the paper's M2): cut at `threshold`, resized, cut again at one half. "grayscale" (M1): the share of white,
        averaged when resized and kept as it comes out.
    threshold : "otsu" or float
        Where a mask of more than two levels is cut: by Otsu's method, or at a fraction of white from 0 to below 1.

    Raises
    ------
    UserError
        With every choice that can't be followed.
    """

    channels: str = "grey"
    size: tuple[int, int] | None = None
    crop: int | None = None
    mask: str = "binary"
    threshold: str | float = "otsu"

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", tuple(self.size))  # JSON gives a list
        problems = self._problems()
        if problems:
            raise UserError(problems)

    def image(self, array: np.ndarray) -> np.ndarray:
        """What the network sees of an image.

        Parameters
        ----------
        array : ndarray, (H, W) or (H, W, 3)
            As `decode` gives it.

        Returns
        -------
        ndarray, (h, w, C) float32 in [0, 1]
            C is 1 for grey, 3 for rgb; (h, w) is (H, W) unless a size is set.
        """
        values = to_grey(array)[..., None] if self.channels == "grey" else to_rgb(array)
        return self._resized(values)

    def target(self, array: np.ndarray) -> np.ndarray:
        """What the network should answer, from a mask.

        Parameters
        ----------
        array : ndarray, (H, W) or (H, W, 3)
            As `decode_mask` gives it. Grey masks that hold nothing but 0 and 1 are read as black and white.

        Returns
        -------
        ndarray, (h, w, 1) float32 in [0, 1]
            Only 0 and 1 for binary masks.
        """
        array = np.asarray(array)
        if self.mask == "binary":
            cell = binarise(array, self.threshold)
            if self.size is None or self.size == cell.shape[::-1]:
                return cell[..., None].astype(np.float32)
            return (self._resized(cell[..., None]) >= HALF).astype(np.float32)
        coded = array.dtype.kind in "ui" and array.ndim == 2 and array.max() == 1
        values = (divide_by_white(array, 1) if coded else to_grey(array))[..., None]
        # In double precision the mean of white pixels rounds to exactly 1, which counts: accuracy compares for equality.
        return self._resized(values.astype(np.float64)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """The choices as JSON takes them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, choices: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing that `to_dict` wrote down.

        Raises
        ------
        UserError
            If it holds a choice this version doesn't know.
        """
        unknown = sorted(set(choices) - {known.name for known in fields(cls)})
        if unknown:
            raise UserError(f"preprocessing with unknown choices ({', '.join(unknown)}): it needs a newer minunet.")
        return cls(**choices)

    def _resized(self, values: np.ndarray) -> np.ndarray:
        if self.size is None:
            return values
        return np.clip(resize_area(values, self.size), 0, 1)  # the weights of a mean may add up to 1 + 1e-7

    def _problems(self) -> list[str]:
        problems = []
        if self.channels not in ("grey", "rgb"):
            problems.append(f"channels {self.channels!r}: choose grey or rgb.")
        if self.mask not in ("binary", "grayscale"):
            problems.append(f"mask {self.mask!r}: choose binary or grayscale.")
        if self.size is not None and not (len(self.size) == 2 and all(_at_least_one(side) for side in self.size)):
            problems.append(f"size {'x'.join(map(str, self.size))}: give width and height, each at least 1 pixel.")
        if self.crop is not None and not _at_least_one(self.crop):
            problems.append(f"crop {self.crop}: give a number of pixels of at least 1.")
        if self.crop is not None and self.size is not None:
            problems.append("a size and a crop were given: crops are cut at native resolution, so give one of the two.")
        number = isinstance(self.threshold, (int, float)) and not isinstance(self.threshold, bool)
        if self.threshold != "otsu" and not (number and 0 <= self.threshold < 1):
            problems.append(f"threshold {self.threshold!r}: give otsu, or a fraction of white from 0 to below 1.")
        return problems


def _at_least_one(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool) and number >= 1
