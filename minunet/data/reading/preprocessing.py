"""Preprocessing: how a decoded image becomes the input of the network, and a decoded mask its target.

The same few settings are stored with a trained model, so that a new image is treated as the training images were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.data.cell_scale import check_diameter, diameter_problem, scaled_size
from minunet.data.reading.channels import channel_count, channels_problem, select_channels
from minunet.data.reading.pixels import (
    LONGEST_SIDE,
    MAX_PIXELS,
    as_16_bits,
    divide_by_white,
    to_grey,
    unmasked,
    white_level,
)
from minunet.data.reading.resize import resize_area, resize_bilinear
from minunet.errors import UserError
from minunet.wording import shorten

if TYPE_CHECKING:
    from minunet.data.reading.image_range import ImageRange
    from minunet.data.reading.mask_reading import MaskReading
    from minunet.data.reading.stored_mask import StoredMask

IGNORED = -1.0  # in a target: the pixel counts in no loss and no score
# A pixel that is half cell counts as cell; in float32 the shares of a half may add up to slightly less.
HALF = 0.5 - 1e-6


@dataclass(frozen=True)
class Preprocessing:
    """The settings, and the two functions that apply them.

    Parameters
    ----------
    channels : "grey", "rgb" or numbers such as "0" or "2,0,1"
        Grey is the luma of ITU-R BT.601; numbers choose channels of the image, from 0 (see `select_channels`).
    size : (width, height) or None
        Images and masks are resized to it by area averaging; None keeps their native resolution.
    crop : int or None
        The side in pixels of square crops at native resolution, on which the network is trained; requires `size=None`.
    mask : "binary" or "grayscale"
        "binary" (the paper's M2): binarised at `threshold`, resized, binarised again at one half. "grayscale" (M1): the
        fraction of white, averaged when resized.
    threshold : "otsu" or float
        Where a mask of more than two levels is binarised: by Otsu's method, or at a fraction of white from 0 to below 1.
    reading : MaskReading or None
        Which values of the masks are cell. None, for models of older versions: each mask is binarised on its own.
    range : ImageRange or None
        Which values of the images are black and white. None, for models of older versions: 0, and the largest of the type.
    diameter : float or None
        The cell diameter, in pixels of the network's input, to which every image is brought; its own cells say by which factor
        it is resized. `fitted` gives the preprocessing of one image, which has both a size and this diameter. None: images
        are not resized by their cells.
    scale : float or None
        The factor, up to 1, by which width and height of every image change; of networks that were trained elsewhere
        (`minunet.exchange.milesial`). `scaled` gives the preprocessing of one image.

    Raises
    ------
    UserError
        With every setting that can't be used.
    """

    channels: str = "grey"
    size: tuple[int, int] | None = None
    crop: int | None = None
    mask: str = "binary"
    threshold: str | float = "otsu"
    reading: MaskReading | None = None
    range: ImageRange | None = None
    diameter: float | None = None
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", tuple(self.size))  # a list when it comes from JSON
        problems = self._problems()
        if problems:
            raise UserError(problems)

    def image(self, array: np.ndarray) -> np.ndarray:
        """The input of the network for an image.

        Parameters
        ----------
        array : ndarray, (H, W) or (H, W, C)
            As `decode` returns it.

        Returns
        -------
        ndarray, (h, w, C) float32 in [0, 1]
            C is 1 for grey, 3 for rgb, else the number of chosen channels; (h, w) is (H, W) unless a size is set.
        """
        return self.scaled((array.shape[0], array.shape[1]))._resized(self.values(array))

    def values(self, array: np.ndarray) -> np.ndarray:
        """The input of the network at the image's own size: (H, W, C) float32 in [0, 1]."""
        return input_values(array, self.channels, self.range)

    def display(self, array: np.ndarray) -> np.ndarray:
        """An image as it can be shown, (H, W) or (H, W, 3) uint8: 8-bit images as they are, others as the network sees them."""
        array = unmasked(array)
        if array.dtype == np.uint8 and array.shape[2:] in ((), (3,)):
            return array
        return as_picture(self.values(array))

    def target(self, mask: StoredMask | np.ndarray) -> np.ndarray:
        """The target of the network for a mask.

        Parameters
        ----------
        mask : StoredMask, or ndarray, (H, W) or (H, W, 3)
            As `read_mask` or `decode_mask` return it. In grey masks whose values are only 0 and 1, 1 is white.

        Returns
        -------
        ndarray, (h, w, 1) float32 in [0, 1]
            For binary masks only 0 and 1; and `IGNORED` where the pixel counts in no loss and no score.
        """
        # A prediction, which has no mask, does not need these.
        from minunet.data.reading.stored_mask import StoredMask
        from minunet.data.reading.threshold import binarise

        stored = mask if isinstance(mask, StoredMask) else StoredMask(unmasked(mask))
        if self.reading is not None:
            return self._read(stored, self.reading)
        array = stored.shown()
        if self.mask == "binary":
            cell = binarise(array, self.threshold)
            if self.size is None or self.size == cell.shape[::-1]:
                return cell[..., None].astype(np.float32)
            return (self._resized(cell[..., None]) >= HALF).astype(np.float32)
        coded = array.dtype.kind in "ui" and array.ndim == 2 and array.max() == 1
        values = (divide_by_white(array, 1) if coded else to_grey(array))[..., None]
        # In double precision the mean of white pixels is exactly 1, which matters: Keras accuracy compares for equality.
        return self._resized(values.astype(np.float64)).astype(np.float32)

    def class_target(self, mask: StoredMask) -> np.ndarray:
        """The target of a network with classes: the index of the class of each pixel.

        Parameters
        ----------
        mask : StoredMask

        Returns
        -------
        ndarray, (h, w, 1) float32
            Where the mask is resized, a pixel is background where more than half of it is, as in `target`; else it has the class of
            the largest share, and of equal shares the first. `IGNORED` where half of the pixel or more counts nowhere.

        Raises
        ------
        ValueError
            If the reading of the masks has no classes.
        """
        if self.reading is None or not self.reading.classes:
            raise ValueError("the reading of these masks has no classes")
        index = self.reading.class_index(mask)
        if self.size is None or self.size == index.shape[::-1]:
            return index[..., None].astype(np.float32)
        counted, cell = (self._resized((index >= least).astype(np.float32)) for least in (0, 1))
        best = np.zeros(counted.shape, np.float32)
        largest = np.zeros_like(best)
        for place in range(1, len(self.reading.classes)):
            share = self._resized((index == place).astype(np.float32))
            better = share > largest + 1e-6  # equal shares may add up to slightly different numbers
            best[better], largest[better] = place, share[better]
        best[cell < HALF * counted] = 0
        return np.where(counted > HALF, best, np.float32(IGNORED))[..., None]

    def at_own_size(self) -> Preprocessing:
        """The same without a size, a diameter, a scale or crops: images and masks keep their own size."""
        return replace(self, size=None, crop=None, diameter=None, scale=None)

    def scaled(self, shape: tuple[int, int]) -> Preprocessing:
        """The preprocessing of one image of a shape (H, W): where there is a scale, with the size that follows from it."""
        if self.scale is None:
            return self
        return replace(self, size=size_at_scale(shape, self.scale), crop=None, scale=None)

    def fitted(self, shape: tuple[int, int], diameter: float, known: float | None = None) -> Preprocessing:
        """The preprocessing of one image: the same, with the size that brings its cells to the diameter that a model knows.

        Where an image is enlarged by it, values are interpolated; where it is shrunk, they are averaged.

        Parameters
        ----------
        shape : (H, W)
            Of the image.
        diameter : float
            Of its cells, in its own pixels.
        known : float, optional
            The diameter that the model knows; by default `self.diameter`.

        Raises
        ------
        UserError
            If the diameter is not from 3 to 10,000 pixels, or more than twice the longer side of the image.
        """
        known = self.diameter if known is None else known
        assert known is not None
        check_diameter(diameter)
        if diameter > known:  # a small image may be enlarged, whatever is in it
            check_diameter(diameter, shape)
        return replace(self, size=scaled_size(shape, diameter, known), crop=None, diameter=known, scale=None)

    def to_dict(self) -> dict[str, Any]:
        """The settings, for a JSON file."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("reading", "range"):  # decided for a set of images
            value = settings.pop(name)
            if value is not None:  # older versions do not know it
                settings[name] = value.to_dict()
        for name in ("diameter", "scale"):  # nor these
            if settings[name] is None:
                del settings[name]
        return settings

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing with the settings of `to_dict`.

        Raises
        ------
        UserError
            If this version doesn't know one of the settings.
        """
        unknown = sorted(set(settings) - {field.name for field in fields(cls)})
        if unknown:
            raise UserError(
                f"preprocessing with unknown choices ({shorten(', '.join(unknown))}): it needs a newer minunet."
            )
        decided: dict[str, MaskReading | ImageRange] = {}
        if settings.get("reading") is not None:
            from minunet.data.reading.mask_reading import MaskReading  # only where masks were read

            decided["reading"] = MaskReading.from_dict(settings["reading"])
        if settings.get("range") is not None:
            from minunet.data.reading.image_range import ImageRange

            decided["range"] = ImageRange.from_dict(settings["range"])
        return cls(**{**settings, **decided})

    def _read(self, stored: StoredMask, reading: MaskReading) -> np.ndarray:
        """The target for a mask whose reading is known."""
        binary = self.mask == "binary"
        values = reading.cell(stored).astype(np.float32) if binary else reading.shares(stored)
        values, ignored = values[..., None], reading.ignored(stored)
        resized = self.size is not None and self.size != values.shape[1::-1]
        if ignored is None:
            if resized:
                values = self._resized(values)
            return ((values >= HALF) if binary and resized else values).astype(np.float32)
        counted = ~ignored[..., None]
        if resized:
            values, share = self._resized(values * counted), self._resized(counted.astype(values.dtype))
            values, counted = values / np.maximum(share, 1e-6), share > HALF
            if binary:
                values = values >= HALF
        return np.where(counted, np.clip(values, 0, 1), IGNORED).astype(np.float32)

    def _resized(self, values: np.ndarray) -> np.ndarray:
        if self.size is None:
            return values
        return resized_input(values, self.size, interpolate=self.diameter is not None)

    def _problems(self) -> list[str]:
        problems = []
        if problem := channels_problem(self.channels):
            problems.append(f"channels {shorten(repr(self.channels))}: {problem}.")
        elif self.range is not None and self.range.channels not in (1, channel_count(self.channels)):
            problems.append(f"a range of {self.range.channels} channels does not fit channels {self.channels}.")
        if self.mask not in ("binary", "grayscale"):
            problems.append(f"mask {shorten(repr(self.mask))}: choose binary or grayscale.")
        if self.size is not None and not _is_size(self.size):
            sides = "x".join(map(shorten, self.size))
            problems.append(f"size {shorten(sides)}: give width and height in pixels, each from 1 to {LONGEST_SIDE:,}.")
        if self.crop is not None and not _is_side(self.crop):
            problems.append(f"crop {shorten(self.crop)}: give a number of pixels from 1 to {LONGEST_SIDE:,}.")
        if self.crop is not None and self.size is not None:
            problems.append("a size and a crop were given: crops are cut at native resolution, so give one of the two.")
        if self.diameter is not None and (problem := diameter_problem(self.diameter)):
            problems.append(f"diameter {shorten(self.diameter)}: {problem}.")
        if self.scale is not None and not _is_scale(self.scale):
            problems.append(f"scale {shorten(repr(self.scale))}: give a number above 0 and up to 1.")
        if self.scale is not None and (self.size is not None or self.diameter is not None):
            problems.append(
                "a scale and a size or a diameter were given: each says how images are resized, so give one."
            )
        if self.threshold != "otsu" and not _is_fraction(self.threshold):
            problems.append(
                f"threshold {shorten(repr(self.threshold))}: give otsu, or a fraction of white from 0 to below 1."
            )
        return problems


def input_values(array: np.ndarray, channels: str, image_range: ImageRange | None) -> np.ndarray:
    """The input of a network for an image at its own size; see `Preprocessing.values`.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)
    channels : str
        See `select_channels`.
    image_range : ImageRange or None

    Returns
    -------
    ndarray, (H, W, C') float32 in [0, 1]
    """
    array = unmasked(array)
    if image_range is not None:
        return image_range.apply(select_channels(array, channels))
    if array.dtype.kind != "f" or not array.size or array.min() < 0 or array.max() > 1:
        array = as_16_bits(array)
    if channels == "grey" and (array.ndim == 2 or array.shape[2] == 3):
        return to_grey(array)[..., None]
    return divide_by_white(select_channels(array, channels), white_level(array.dtype))


def resized_input(values: np.ndarray, size: tuple[int, int], *, interpolate: bool) -> np.ndarray:
    """Values (H, W, C) in [0, 1] at another size (width, height): averaged, or on request interpolated where larger."""
    resize = resize_bilinear if interpolate and size[0] > values.shape[1] else resize_area
    return np.clip(resize(values, size), 0, 1)  # the weights of a mean may add up to 1 + 1e-7


def size_at_scale(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """The size (width, height) of an image of a shape (H, W) whose sides change by a factor, rounded down as by milesial."""
    height, width = shape
    return max(1, int(width * scale)), max(1, int(height * scale))


def as_picture(values: np.ndarray) -> np.ndarray:
    """What `Preprocessing.values` returns as it can be shown: (H, W) or (H, W, 3) uint8; more than three channels are left out."""
    shown = np.rint(values * 255).astype(np.uint8)
    if shown.shape[2] == 2:  # the first channel in magenta, the second in green
        shown = shown[..., [0, 1, 0]]
    return shown[..., 0] if shown.shape[2] == 1 else shown[..., :3]


def _is_size(value: tuple[Any, ...]) -> bool:
    return len(value) == 2 and all(map(_is_side, value)) and value[0] * value[1] <= MAX_PIXELS


def _is_side(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(1 <= value <= LONGEST_SIDE)


def _is_scale(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1


def _is_fraction(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1
