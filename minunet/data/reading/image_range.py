"""Image ranges: which values of a set of images are black and white, decided once for the whole set.

A range is stored with the model, so that a new image is scaled as the training images were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from minunet.errors import UserError
from minunet.wording import shorten


@dataclass(frozen=True)
class ImageRange:
    """The values that become 0 and 1.

    Parameters
    ----------
    low, high : float or tuple of float
        In the units of the images, with low < high; a tuple holds one value a channel.
    """

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if isinstance(value, list):  # from JSON
                object.__setattr__(self, name, tuple(value))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scale an array (H, W) or (H, W, C) to float32 in [0, 1]; values beyond the range are clipped."""
        if (
            array.dtype in (np.uint8, np.uint16)
            and isinstance(self.low, float | int)
            and isinstance(self.high, float | int)
        ):
            table = _scaled(np.arange(np.iinfo(array.dtype).max + 1), self.low, self.high)
            return table[array]  # the same numbers as below, several times faster
        return _scaled(array, np.asarray(self.low, np.float64), np.asarray(self.high, np.float64))

    def describe(self) -> str:
        """The range in a line."""
        return f"{self.low} is black, {self.high} is white"

    def to_dict(self) -> dict[str, Any]:
        """The range, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ImageRange:
        """The range that `to_dict` returned.

        Raises
        ------
        UserError
            If this version doesn't know one of its entries.
        """
        if unknown := sorted(set(stored) - {field.name for field in fields(cls)}):
            raise UserError(
                f"a range of images with unknown entries ({shorten(', '.join(unknown))}): it needs a newer minunet."
            )
        return cls(**stored)


def _scaled(array: np.ndarray, low: Any, high: Any) -> np.ndarray:
    values = array.astype(np.float64)
    values -= low
    values /= high - low
    return np.clip(values, 0, 1, out=values).astype(np.float32)
