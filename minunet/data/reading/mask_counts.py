"""Mask counts: how often each value occurs in a mask, and how it lies there, taken while its file is decoded to check it.

They are what the reading of a set of masks is decided by, so that no mask is kept or decoded again for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from minunet.data.reading.mask_values import packed, unpacked
from minunet.data.reading.pixels import grey_if_equal
from minunet.data.reading.stored_mask import StoredMask
from minunet.errors import UserError

LARGE_REGION = 25  # pixels
BAND = 2**22  # pixels whose squares are looked at together
MOST_NEIGHBOURS = 100  # different values of one mask up to which it is counted which lie beside which
MOST_VALUES = 2**16  # different values of one mask that are counted exactly; more are rounded


@dataclass(frozen=True, eq=False)
class MaskCounts:
    """The counts of one mask. The arrays have one element for each value that occurs.

    Attributes
    ----------
    values : ndarray
        In ascending order: numbers, indices of a palette, or colours as `minunet.data.reading.mask_values.packed` gives them.
    pixels : ndarray of int64
        Pixels of that value.
    frame : ndarray of int64
        Pixels of that value in the first and last rows and columns.
    flat : ndarray of int64
        Squares of 2x2 pixels that all have that value: many inside of a region, hardly any in a blurred edge or in noise.
    objects : ndarray of float64
        Connected regions of that value minus the holes in them (its Euler number, with eight neighbours).
    neighbours : ndarray of int64, (values, values), or None
        How often a pixel of one value lies beside one of another, to its left, its right, above or below; None where there are
        very many values.
    form : "numbers", "indices" or "colours"
        What the values are.
    white : float
        The value of white in a mask of this type: 1, 255, 65535 or the largest of a wider type.
    palette : ndarray, (N, 3) uint8, or None
    bits : int
        Of a value as it is stored; 8 for each channel of a colour.
    is_numbered : bool
        As in `StoredMask`.
    roundness : (float, float) or None
        How far the dark and the light parts are separate and round: 1 for discs, at most 0 for what lies around them; see
        `_roundness`. None where the mask is of one value.
    """

    values: np.ndarray
    pixels: np.ndarray
    frame: np.ndarray
    flat: np.ndarray
    objects: np.ndarray
    form: str = "numbers"
    white: float = 255.0
    palette: np.ndarray | None = None
    bits: int = 8
    is_numbered: bool = False
    roundness: tuple[float, float] | None = None
    neighbours: np.ndarray | None = None

    @classmethod
    def of(cls, mask: StoredMask) -> MaskCounts:
        """Count a mask."""
        array = mask.values
        form, white = "numbers", _white(array)
        if array.ndim == 3:
            array = grey_if_equal(array)
        tones = array if array.ndim == 2 else array.max(axis=2)
        if array.ndim == 3:
            form, white, array = "colours", 255.0, packed(array)
        elif mask.palette is not None:
            form, white = "indices", 255.0
        values, ranks = _ranked(array, colours=form == "colours")
        count = len(values)
        edges = np.concatenate([ranks[0], ranks[-1], ranks[1:-1, 0], ranks[1:-1, -1]])
        flat, objects = np.zeros(count + 1, np.int64), np.zeros(count + 1)
        neighbours = np.zeros((count + 1, count + 1), np.int64) if count <= MOST_NEIGHBOURS else None
        for square in _squares(np.pad(ranks, 1, constant_values=count)):
            same = (square[0] == square[1]) & (square[0] == square[2]) & (square[0] == square[3])
            flat += np.bincount(square[0][same], minlength=count + 1)
            parts = [part[~same] for part in square]
            objects += _objects(parts, count)
            if neighbours is not None:
                neighbours += _neighbours(parts, count)
        return cls(
            values,
            np.bincount(ranks.ravel(), minlength=count),
            np.bincount(edges, minlength=count),
            flat[:count],
            objects[:count],
            form,
            white,
            mask.palette,
            1 if mask.values.dtype == np.bool_ else 8 * mask.values.dtype.itemsize,
            mask.is_numbered,
            _roundness(tones > (float(tones.min()) + float(tones.max())) / 2) if count > 1 else None,
            None if neighbours is None else (neighbours + neighbours.T)[:count, :count],
        )

    @property
    def size(self) -> int:
        """The number of pixels."""
        return int(self.pixels.sum())

    @property
    def flat_share(self) -> float:
        """The share of the mask that lies in flat squares: nearly 1 for a mask, little for a photograph."""
        return float(self.flat.sum() / self.size)

    @property
    def region_share(self) -> float:
        """The share of the mask in values whose regions are large on average: nearly all of a mask, less of a photograph."""
        large = self.pixels >= LARGE_REGION * np.maximum(np.abs(self.objects), 1)
        return float(self.pixels[large].sum() / self.size)

    @property
    def is_grey(self) -> bool:
        """Whether all values are numbers, or colours without a hue."""
        return self.form == "numbers" or (
            self.form == "colours" and bool((self.values == (self.values & 255) * 0x10101).all())
        )

    def merged(self, values: np.ndarray, form: str) -> MaskCounts:
        """The counts with other values in place of these, the counts of equal ones added up."""
        unique, ranks = np.unique(values, return_inverse=True)

        def total(part: np.ndarray) -> np.ndarray:
            return np.bincount(ranks, weights=part, minlength=len(unique))

        return replace(
            self,
            values=unique,
            pixels=total(self.pixels).astype(np.int64),
            frame=total(self.frame).astype(np.int64),
            flat=total(self.flat).astype(np.int64),
            objects=total(self.objects),
            neighbours=None if self.neighbours is None else _summed(self.neighbours, ranks, len(unique)),
            form=form,
            palette=None,
        )

    def channel(self, number: int) -> MaskCounts:
        """The counts of one channel of colours, as numbers."""
        return self.merged(unpacked(self.values)[:, number], "numbers")

    def as_colours(self) -> MaskCounts:
        """The counts of the colours that a mask of greys or indices shows."""
        if self.form == "colours":
            return self
        if self.palette is not None:
            return self.merged(packed(self.palette[self.values]), "colours")
        if self.values.max(initial=0) > 255 or self.values.dtype.kind == "f":
            raise UserError("it holds numbers that are no colours of 8 bits, and other masks of the set hold colours.")
        return self.merged(self.values.astype(np.uint32) * 0x10101, "colours")


def _white(array: np.ndarray) -> float:
    return float(np.iinfo(array.dtype).max) if array.dtype.kind in "ui" else 1.0


def _ranked(array: np.ndarray, *, colours: bool) -> tuple[np.ndarray, np.ndarray]:
    """The different values in ascending order, and for each pixel the place of its value among them, (H, W)."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    if array.dtype in (np.uint8, np.uint16):
        values: np.ndarray = np.flatnonzero(np.bincount(array.ravel()))
        places = np.zeros(int(values[-1]) + 1, _rank_type(len(values)))
        places[values] = np.arange(len(values))
        return values, places[array]
    # Values of masks come in runs along the rows, of which there are far fewer than pixels to sort.
    flat = array.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    values, ranks = np.unique(flat[starts], return_inverse=True)
    if len(values) > MOST_VALUES:
        return _ranked(_rounded(array, colours), colours=colours)
    if values.dtype.kind == "f":
        wide = values.astype(np.float64)
        whole = bool((wide == np.rint(wide)).all() and np.abs(wide).max() < 2**53)
        values = np.asarray(wide.astype(np.int64) if whole else wide)
    lengths = np.diff(np.append(starts, flat.size))
    return values, np.repeat(ranks.astype(_rank_type(len(values))), lengths).reshape(array.shape)


def _rank_type(count: int) -> type[np.integer]:
    """The smallest type for the places of `count` values and one more, that of what lies outside."""
    return np.uint8 if count < 256 else np.int32


def _rounded(array: np.ndarray, colours: bool) -> np.ndarray:
    if colours:
        return np.asarray(array & 0xF0F0F0)
    low, high = float(array.min()), float(array.max())
    step = 2.0 ** np.ceil(np.log2((high - low) / 1024))
    rounded = np.rint(array / step) * step
    return np.asarray(rounded, array.dtype)


def _squares(array: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """The four pixels of every square of 2x2 pixels, some rows at a time, so that a large mask needs little more memory."""
    rows = max(1, BAND // array.shape[1])
    for top in range(0, len(array) - 1, rows):
        bottom = min(top + rows, len(array) - 1)
        upper, lower = array[top:bottom], array[top + 1 : bottom + 1]
        yield upper[:, :-1], upper[:, 1:], lower[:, :-1], lower[:, 1:]


def _objects(square: list[np.ndarray], count: int) -> np.ndarray:
    """The share of some squares in the Euler number of each value, from the squares that hold several values.

    E = (Q1 - Q3 - 2 QD) / 4, where of all squares Q1 have one pixel of the value, Q3 three, and QD two on a diagonal
    (S. B. Gray, "Local properties of binary images in two dimensions", IEEE Trans. Computers C-20(5), 1971).
    """
    total = np.zeros(count + 1)
    upper_left, upper_right, lower_left, lower_right = square
    opposite = (lower_right, lower_left, upper_right, upper_left)
    for pixel, across in zip(square, opposite, strict=True):
        number = sum((pixel == other).astype(np.int8) for other in square)
        diagonal = (number == 2) & (pixel == across)
        share = (number == 1) / 4 - (number == 3) / 12 - diagonal / 4
        total += np.bincount(pixel, weights=share, minlength=count + 1)
    return total


def _neighbours(square: list[np.ndarray], count: int) -> np.ndarray:
    """How often each value has each other one to its right or below it, in some squares: (count + 1, count + 1)."""
    total = np.zeros((count + 1) ** 2, np.int64)
    upper_left, upper_right, lower_left, _ = square
    for other in (upper_right, lower_left):
        differ = upper_left != other
        pairs = upper_left[differ].astype(np.int64) * (count + 1) + other[differ]
        total += np.bincount(pairs, minlength=len(total))
    return total.reshape(count + 1, count + 1)


def _summed(neighbours: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """The counts of neighbours where some values became one: (values, values) -> (count, count)."""
    total = np.zeros((count, count), np.int64)
    np.add.at(total, (ranks[:, None], ranks[None, :]), neighbours)
    np.fill_diagonal(total, 0)
    return total


def _roundness(light: np.ndarray) -> tuple[float, float]:
    """4 pi A E / P^2 of the dark and of the light part: area, Euler number and perimeter (Gray 1971, see `_objects`).

    For N equal discs that do not touch it is about 0.9. Of what surrounds them E is 1 - N, and the value is not above 0.
    """
    one = two = three = across = 0
    for upper_left, upper_right, lower_left, lower_right in _squares(light.view(np.int8)):
        number = upper_left + upper_right + lower_left + lower_right
        diagonal = (number == 2) & (upper_left == lower_right)
        across += int(np.count_nonzero(diagonal))
        one += int(np.count_nonzero(number == 1))
        two += int(np.count_nonzero((number == 2) & ~diagonal))
        three += int(np.count_nonzero(number == 3))
    perimeter = two + (one + three + 2 * across) / 2**0.5
    if not perimeter:
        return 0.0, 0.0
    scale = 4 * np.pi / perimeter**2
    area = int(np.count_nonzero(light))
    return (
        float(scale * (light.size - area) * (three - one - 2 * across) / 4),
        float(scale * area * (one - three - 2 * across) / 4),
    )
