"""The diameter estimate: how large the cells of an image are, found out with a network that knows cells of one diameter.

The image is predicted at a series of scales. Where its cells have the size that the network knows, it is surest of them, and they
come out as large as it knows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minunet.data.appearance import NO_CONTRAST
from minunet.data.cell_scale import scaled_size
from minunet.data.cell_size import inscribed_diameter
from minunet.data.reading.resize import resize_area, resize_bilinear
from minunet.data.reading.threshold import otsu_threshold

Predict = Callable[[np.ndarray], np.ndarray]  # from the network's input (h, w, C) to probabilities (h, w)

SMALLEST, LARGEST = 8.0, 1024.0  # pixels, of the diameters that are tried
MOST_OF_IMAGE = 1.3  # of the longer side of the image: a cell may fill it
GLANCE = (
    96  # pixels of the network's input, the side of the part that is looked at, for each diameter of the first series
)
LOOK = 160  # and for those near the best one
FEWEST = 0.003  # share of cell pixels below which there is nothing to measure
LEAST_SURE = 0.6  # mean probability; below it nothing looks like a cell at any scale
# The next three were chosen on drawn smears of the wide variety, and hardly matter on real ones.
DISAGREEMENT = 0.05  # of sureness, that a measured diameter twice or half as large as the one that is tried costs
RARE = 0.1  # share of cell pixels; at a scale at which there are fewer they may be platelets or dirt
RARITY = 0.03  # of sureness, that half of that share costs
OVERVIEW = 256  # pixels, the longer side of the small image that shows where cells are


class Look(NamedTuple):
    """What the network sees at one scale.

    Attributes
    ----------
    measured : float
        The diameter of what it calls cells, over the one that is tried; 0 where there is too little.
    sureness : float
        The mean probability of the pixels that it calls cell.
    share : float
        Of the pixels that it calls cell.
    """

    measured: float
    sureness: float
    share: float

    @property
    def score(self) -> float:
        """The sureness, less what speaks against this scale; minus infinity where there is nothing to see."""
        if not self.measured:
            return -math.inf
        rarity = max(0.0, math.log2(RARE / self.share))
        return self.sureness - DISAGREEMENT * abs(math.log2(self.measured)) - RARITY * rarity


def estimate_diameter(values: np.ndarray, known: float, predict: Predict) -> float | None:
    """Estimate the diameter of the cells in an image.

    Diameters from 8 pixels on are tried, each twice as large as the one before; then, with a closer look, those near the best one,
    by factors of the square root of 2. The vertex of a parabola through the best of these and its neighbours is the result.

    Parameters
    ----------
    values : ndarray, (H, W, C) float32 in [0, 1]
        The image at its own size, in the values that the network takes.
    known : float
        The cell diameter that the network knows, in pixels of its input.
    predict : callable
        Gives the probabilities (h, w) of an input (h, w, C).

    Returns
    -------
    float or None
        In pixels of the image; None where no cells are found.
    """
    if values.max() - values.min() < NO_CONTRAST:
        return None
    image, largest = _Image(values, known, predict), min(LARGEST, MOST_OF_IMAGE * max(values.shape[:2]))
    last = math.floor(2 * math.log2(max(largest, SMALLEST) / SMALLEST))  # in half steps, that is, factors of sqrt(2)
    looks: dict[tuple[int, int], Look] = {}

    def score(half_step: int, side: int = LOOK) -> float:
        if not 0 <= half_step <= last:
            return -math.inf
        if (half_step, side) not in looks:
            looks[half_step, side] = image.look(SMALLEST * 2 ** (half_step / 2), side)
        return looks[half_step, side].score

    best = max(range(0, last + 1, 2), key=lambda half_step: score(half_step, GLANCE))
    while (better := max((best, best - 1, best + 1), key=score)) != best:
        best = better
    if looks[best, LOOK].sureness < LEAST_SURE:
        return None
    return SMALLEST * 2 ** ((best + _vertex(score(best - 1), score(best), score(best + 1))) / 2)


def _vertex(before: float, middle: float, after: float) -> float:
    """Where a parabola through three values at -1, 0 and 1 is highest, the middle one being the largest."""
    bend = before - 2 * middle + after
    return 0.0 if bend == 0 or not math.isfinite(bend) else (before - after) / bend / 2


class _Image:
    """An image that is looked at at several scales."""

    def __init__(self, values: np.ndarray, known: float, predict: Predict):
        self.values, self.known, self.predict = values, known, predict
        self.halved = [values]  # the image, and smaller versions of it, each half as large as the one before
        height, width = values.shape[:2]
        self.reduction = max(1.0, max(height, width) / OVERVIEW)
        size = max(1, round(width / self.reduction)), max(1, round(height / self.reduction))
        tones = resize_area(values.mean(axis=2), size)
        flat = tones.max() - tones.min() < NO_CONTRAST  # what there is to see is smaller than a pixel here
        dark = np.zeros(tones.shape, bool) if flat else tones <= otsu_threshold(tones)
        self.sums = np.pad(np.cumsum(np.cumsum(dark, axis=0), axis=1), ((1, 0), (1, 0)))  # of all above and to the left

    def look(self, diameter: float, side: int) -> Look:
        """Predict the part of the image that shows most, at the scale that makes cells of a diameter as large as known."""
        rows, columns = self._part(side * diameter / self.known)
        size = scaled_size((rows.stop - rows.start, columns.stop - columns.start), diameter, self.known)
        part = self._pixels(rows, columns, diameter / self.known)
        resize = resize_bilinear if size[0] > part.shape[1] else resize_area
        probability = self.predict(np.clip(resize(part, size), 0, 1))
        cells = probability > 0.5
        share = float(cells.mean())
        if share < FEWEST:
            return Look(0.0, 0.0, share)
        return Look(inscribed_diameter(cells) / self.known, float(probability[cells].mean()), share)

    def _pixels(self, rows: slice, columns: slice, shrinking: float) -> np.ndarray:
        """A part of the image, which will be shrunk by a factor: of a smaller version, if that is still twice as large."""
        level = max(0, math.floor(math.log2(shrinking)) - 1) if shrinking > 1 else 0
        while len(self.halved) <= level and min(self.halved[-1].shape[:2]) > 1:
            even = self.halved[-1][: self.halved[-1].shape[0] // 2 * 2, : self.halved[-1].shape[1] // 2 * 2]
            self.halved.append((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)
        level = min(level, len(self.halved) - 1)
        (top, bottom), (left, right) = (
            (part.start >> level, max(part.stop >> level, (part.start >> level) + 1)) for part in (rows, columns)
        )
        return self.halved[level][top:bottom, left:right]

    def _part(self, side: float) -> tuple[slice, slice]:
        """The square of a side in pixels in which dark and bright are most evenly mixed, or the image along a shorter axis."""
        sides = [min(length, max(1, round(side))) for length in self.values.shape[:2]]
        small = [
            min(length - 1, max(1, round(wanted / self.reduction)))
            for length, wanted in zip(self.sums.shape, sides, strict=True)
        ]
        (h, w), sums = small, self.sums
        dark = (sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]) / (h * w)
        place = np.unravel_index(np.argmin(np.abs(dark - 0.5)), dark.shape)
        top, left = (
            min(round(int(start) * self.reduction), length - wanted)
            for start, length, wanted in zip(place, self.values.shape[:2], sides, strict=True)
        )
        return slice(top, top + sides[0]), slice(left, left + sides[1])
