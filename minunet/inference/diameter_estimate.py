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

SMALLEST, LARGEST = 10.0, 640.0  # pixels, of the diameters that are tried
STEP = 2.0  # from one to the next
LOOK = 128  # pixels of the network's input, the side of the part that is looked at for each
CLOSE_LOOK = 256  # and of that for the final measurement
PASSES = 2  # final measurements, each at the result of the one before
FEWEST = 0.003  # share of cell pixels below which there is nothing to measure
PLAUSIBLE = 1.7  # the measured diameter may be that much larger or smaller than the one that is tried
OVERVIEW = 256  # pixels, the longer side of the small image that shows where cells are


class Look(NamedTuple):
    """What the network sees at one scale.

    Attributes
    ----------
    tried : float
        The diameter in the image, in pixels, that cells would have if they have the known one at this scale.
    measured : float
        That of what it calls cells; 0 where there is too little.
    sureness : float
        The mean probability of the pixels that it calls cell.
    """

    tried: float
    measured: float
    sureness: float

    @property
    def disagreement(self) -> float:
        """Logarithm to base 2 of the measured diameter over the one that was tried."""
        return math.log2(self.measured / self.tried)


def estimate_diameter(values: np.ndarray, known: float, predict: Predict) -> float | None:
    """Estimate the diameter of the cells in an image.

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
    image = _Image(values, known, predict)
    looks = [image.look(diameter, LOOK) for diameter in _series(max(values.shape[:2]))]
    plausible = [look for look in looks if look.measured and abs(look.disagreement) <= math.log2(PLAUSIBLE)]
    if not plausible:
        return None
    best = max(plausible, key=lambda look: look.sureness)
    for _ in range(PASSES):
        closer = image.look(min(best.measured, max(values.shape[:2])), CLOSE_LOOK)
        if not closer.measured or abs(closer.disagreement) > math.log2(PLAUSIBLE):
            break
        best = closer
    return best.measured


def _series(longest: int) -> list[float]:
    """The diameters that are tried in an image whose longer side has so many pixels."""
    count = math.floor(math.log(min(LARGEST, max(longest, SMALLEST)) / SMALLEST, STEP)) + 1
    return [SMALLEST * STEP**number for number in range(count)]


class _Image:
    """An image that is looked at at several scales."""

    def __init__(self, values: np.ndarray, known: float, predict: Predict):
        self.values, self.known, self.predict = values, known, predict
        height, width = values.shape[:2]
        self.reduction = max(1.0, max(height, width) / OVERVIEW)
        size = max(1, round(width / self.reduction)), max(1, round(height / self.reduction))
        tones = resize_area(values.mean(axis=2), size)
        flat = tones.max() - tones.min() < NO_CONTRAST  # what there is to see is smaller than a pixel here
        dark = np.zeros(tones.shape, bool) if flat else tones <= otsu_threshold(tones)
        self.sums = np.pad(np.cumsum(np.cumsum(dark, axis=0), axis=1), ((1, 0), (1, 0)))  # of all above and to the left

    def look(self, diameter: float, side: int) -> Look:
        """Predict the part of the image that shows most, at the scale that makes cells of a diameter as large as known."""
        part = self._part(side * diameter / self.known)
        size = scaled_size((part.shape[0], part.shape[1]), diameter, self.known)
        resize = resize_bilinear if size[0] > part.shape[1] else resize_area
        probability = self.predict(np.clip(resize(part, size), 0, 1))
        cells = probability > 0.5
        if cells.mean() < FEWEST:
            return Look(diameter, 0.0, 0.0)
        measured = inscribed_diameter(cells) * diameter / self.known
        return Look(diameter, measured, float(probability[cells].mean()))

    def _part(self, side: float) -> np.ndarray:
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
        return self.values[top : top + sides[0], left : left + sides[1]]
