"""Image ranges: which values of a set of images are black and white, decided once for the whole set.

A range is stored with the model, so that a new image is scaled as the training images were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from minunet.data.reading.channels import channel_numbers
from minunet.data.reading.value_distribution import ValueDistribution, pooled_percentile
from minunet.errors import UserError
from minunet.wording import join_names, shorten

CUT = 0.001  # the share of the pixels of the training images below black, and above white
_EIGHT_BITS = ("uint8", "int8")
_OWN_WHITE = ("uint8", "uint16")  # types of which older versions took the largest number for white


@dataclass(frozen=True)
class ImageRange:
    """The values that become 0 and 1.

    Parameters
    ----------
    low, high : float or tuple of float
        In the units of the images, with low < high; a tuple holds one value a channel.
    types : tuple of str
        The types of the numbers of the training images, such as "uint16"; empty where they are not known.

    Raises
    ------
    UserError
        For numbers that are no range.
    """

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("low", "high", "types"):
            value = getattr(self, name)
            if isinstance(value, list):  # from JSON
                object.__setattr__(self, name, tuple(value))
        lows, highs = _several(self.low), _several(self.high)
        usable = len(lows) == len(highs) > 0 and all(
            _is_range(low, high) for low, high in zip(lows, highs, strict=True)
        )
        if not usable or not all(isinstance(kind, str) for kind in self.types):
            text = shorten(f"{self.low} to {self.high}")
            raise UserError(f"range {text}: give two numbers, the first below the second.")

    @property
    def channels(self) -> int:
        """The number of channels that have a range of their own; 1 where all have the same."""
        return len(_several(self.low))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scale an array (H, W) or (H, W, C) to float32 in [0, 1]; values beyond the range are clipped."""
        if array.dtype in (np.uint8, np.uint16) and not isinstance(self.low, tuple):
            table = _scaled(np.arange(np.iinfo(array.dtype).max + 1), self.low, self.high)
            return table[array]  # the same numbers as below, several times faster
        return _scaled(array, np.asarray(self.low, np.float64), np.asarray(self.high, np.float64))

    def mismatch(self, dtype: np.dtype) -> str | None:
        """A sentence on an image whose numbers are of another width than those of the training images; else None."""
        if not self.types or (str(dtype) in _EIGHT_BITS) in {kind in _EIGHT_BITS for kind in self.types}:
            return None
        return (
            f"its numbers are {dtype}, but the model was trained on {join_names(self.types)}, with black and white at "
            f"{_span(self.low, self.high)}: its values are read on that scale; give images of the same kind."
        )

    def describe(self) -> str:
        """The range in a line."""
        kinds = f" ({join_names(self.types)})" if self.types else ""
        return f"{_span(self.low, self.high)}: the first value is black, the second white{kinds}"

    def to_dict(self) -> dict[str, Any]:
        """The range, for a JSON file."""
        values = {name: getattr(self, name) for name in ("low", "high", "types")}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ImageRange:
        """The range that `to_dict` returned.

        Raises
        ------
        UserError
            If this version doesn't know one of its entries, or they are no range.
        """
        if unknown := sorted(set(stored) - {field.name for field in fields(cls)}):
            raise UserError(
                f"a range of images with unknown entries ({shorten(', '.join(unknown))}): it needs a newer minunet."
            )
        return cls(**stored)


def range_problem(text: object) -> str | None:
    """The reason why a choice of the range cannot be used; None where it can."""
    try:
        if isinstance(text, str) and (text in CHOICES or given_range(text)):
            return None
    except (UserError, ValueError):
        pass
    return "choose set, full, or two numbers, the lower one first, as LOW:HIGH, such as 0:4095"


def range_text(text: str) -> str:
    """A choice of the range as typed; a ValueError with the reason where it cannot be used."""
    if problem := range_problem(text):
        raise ValueError(problem)
    return text


def given_range(text: str) -> ImageRange:
    """The range of a text LOW:HIGH; a ValueError or `UserError` where it is none."""
    low, high = (float(part) for part in text.split(":"))
    return ImageRange(low, high)


def choose_range(choice: str, images: Sequence[ValueDistribution], channels: str) -> ImageRange | None:
    """The range of a set of images.

    Parameters
    ----------
    choice : "set", "full" or "LOW:HIGH"
        "set": from the value that 0.1 % of all pixels are below to the one that 0.1 % are above. Of colours this is one range
        for all three; channels that are chosen by number have one each. "full": all values of the type of the numbers, 0 to 1
        for floats.
    images : sequence of ValueDistribution
        Of the training images; at least one.
    channels : str
        See `select_channels`.

    Returns
    -------
    ImageRange or None
        None where 8-bit and 16-bit images are mixed: then the largest number of its type is white in each.

    Raises
    ------
    UserError
        If no range fits all images, or all their values lie on one side of the range that is given.
    """
    types = tuple(sorted({image.dtype for image in images}))
    if choice not in CHOICES:
        given = given_range(choice)
        low, high = (
            min(image.channels[:, 0].min() for image in images),
            max(image.channels[:, -1].max() for image in images),
        )
        if high <= given.low or low >= given.high:
            shade = "black" if high <= given.low else "white"
            raise UserError(
                f"--range {choice}: every pixel would be {shade}, since the training images hold {low:g} to {high:g}: give the "
                "values that are black and white in the files."
            )
        return ImageRange(given.low, given.high, types)
    widths = {kind in _EIGHT_BITS for kind in types}
    floats = {kind.startswith("float") for kind in types}
    if len(widths) > 1 or len(floats) > 1 or (choice == "full" and len(types) > 1):
        if set(types) <= set(_OWN_WHITE):
            return None
        raise UserError(
            f"the images hold {join_names(types)}, for which one range of values cannot be known: convert them to one type, or "
            "give the range with --range LOW:HIGH."
        )
    low, high = CHOICES[choice](images, channels)
    return ImageRange(low, high, types)


Ends = tuple[float | tuple[float, ...], float | tuple[float, ...]]


def _of_set(images: Sequence[ValueDistribution], channels: str) -> Ends:
    pixels = [image.pixels for image in images]
    numbers = channel_numbers(channels)
    if numbers is not None:
        # A grey image has its one channel for every number (`select_channels`).
        ends = [_percentiles([image.channels[n % len(image.channels)] for image in images], pixels) for n in numbers]
        return (
            (ends[0][0], ends[0][1])
            if len(ends) == 1
            else (tuple(end[0] for end in ends), tuple(end[1] for end in ends))
        )
    if channels == "grey":
        return _percentiles([image.grey for image in images], pixels)
    rows = [(row, image.pixels / len(image.channels)) for image in images for row in image.channels]
    return _percentiles([row for row, _ in rows], [weight for _, weight in rows])


def _of_type(images: Sequence[ValueDistribution], channels: str) -> Ends:
    dtype = np.dtype(images[0].dtype)
    return (0.0, 1.0) if dtype.kind == "f" else (float(np.iinfo(dtype).min), float(np.iinfo(dtype).max))


CHOICES: dict[str, Callable[[Sequence[ValueDistribution], str], Ends]] = {"set": _of_set, "full": _of_type}


def _percentiles(distributions: Sequence[np.ndarray], pixels: Sequence[float]) -> tuple[float, float]:
    for share in (CUT, 0.0):  # where nearly all values are the same, the smallest and the largest
        low, high = (pooled_percentile(distributions, pixels, end) for end in (share, 1 - share))
        if low < high:
            return low, high
    return low, low + max(1.0, abs(low))  # all values are the same


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_range(low: object, high: object) -> bool:
    numbers = all(
        isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in (low, high)
    )
    return numbers and low < high and math.isfinite(high - low)  # type: ignore[operator]


def _span(low: Any, high: Any) -> str:
    return ", ".join(f"{a:.6g} to {b:.6g}" for a, b in zip(_several(low), _several(high), strict=True))


def _scaled(array: np.ndarray, low: Any, high: Any) -> np.ndarray:
    values = array.astype(np.float64)
    values -= low
    values /= high - low
    return np.clip(values, 0, 1, out=values).astype(np.float32)
