"""Mask peaks: the two levels of masks that were black and white before JPEG, resizing or blurring made greys between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.threshold import between_class_variance

APART = 0.25  # of the range: the second peak is at least this far from the first
NEAR = 0.1  # of the range: levels up to this far from a peak belong to it
SHARE = 0.7  # of all pixels that belong to one of the two peaks
LEAST_LEVELS = 4  # three levels may be three classes


@dataclass(frozen=True)
class MaskPeaks:
    """The two most common levels of grey masks.

    Attributes
    ----------
    dark, light : float
        In the units of the masks.
    """

    dark: float
    light: float

    @property
    def cut(self) -> float:
        """The level half-way between the peaks, where a pixel on an edge is half cell."""
        return (self.dark + self.light) / 2

    @classmethod
    def of(cls, levels: MaskLevels) -> MaskPeaks | None:
        """The peaks of a set of masks, or None where its levels are not two peaks and the blurred edges between them."""
        values, pixels = levels.values.astype(np.float64), levels.pixels
        extent = float(values[-1] - values[0])
        if levels.in_colour or levels.form == "indices" or len(values) < LEAST_LEVELS:
            return None
        if levels.numbers_cells(np.arange(len(values)) > 0):
            return None
        first = values[np.argmax(pixels)]
        far = np.abs(values - first) > APART * extent
        second = values[far][np.argmax(pixels[far])]
        between = np.ones(len(values), bool)
        for peak in (first, second):
            between &= np.abs(values - peak) > NEAR * extent
        total = int(pixels[between].sum())
        if total > (1 - SHARE) * pixels.sum() or levels.flat[between].sum() > THIN * total:
            return None
        return cls(min(first, second), max(first, second))


def otsu_level(levels: MaskLevels) -> float:
    """The level that separates the values of all masks best by Otsu's method; see `minunet.data.otsu_threshold`."""
    values = levels.values.astype(np.float64)
    return float(values[np.argmax(between_class_variance(values, levels.pixels))])
