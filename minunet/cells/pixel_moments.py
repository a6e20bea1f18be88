"""Pixel moments: area, centroid and the ellipse of the same second moments of a cell, as scikit-image's regionprops has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PixelMoments:
    """The moments of the pixels of one cell, in pixels; y and x count from the first pixel of the cell's box.

    Attributes
    ----------
    area : int
        The number of pixels.
    centre_y, centre_x : float
    variance_y, variance_x, covariance : float
        Of the centres of the pixels.
    """

    area: int
    centre_y: float
    centre_x: float
    variance_y: float
    variance_x: float
    covariance: float

    @classmethod
    def of(cls, cell: np.ndarray) -> PixelMoments:
        """The moments of a cell, (h, w) bool with at least one pixel."""
        pixels = cell.view(np.uint8)
        in_rows, in_columns = pixels.sum(axis=1, dtype=np.float64), pixels.sum(axis=0, dtype=np.float64)
        y, x = (np.arange(len(counts), dtype=np.float64) for counts in (in_rows, in_columns))
        area = in_rows.sum()
        centre_y, centre_x = float((in_rows * y).sum() / area), float((in_columns * x).sum() / area)
        y -= centre_y
        x -= centre_x
        along_rows = (pixels * x).sum(axis=1)
        return cls(
            int(area),
            centre_y,
            centre_x,
            float((in_rows * y * y).sum() / area),
            float((in_columns * x * x).sum() / area),
            float((along_rows * y).sum() / area),
        )

    @property
    def equivalent_diameter(self) -> float:
        """Of the disc of the same area."""
        return math.sqrt(4 * self.area / math.pi)

    @property
    def axes(self) -> tuple[float, float]:
        """The long and the short axis of the ellipse of the same second moments."""
        larger, smaller = self._variances()
        return 4 * math.sqrt(larger), 4 * math.sqrt(smaller)

    @property
    def eccentricity(self) -> float:
        """Of that ellipse."""
        larger, smaller = self._variances()
        return math.sqrt(1 - smaller / larger) if larger else 0.0

    @property
    def orientation(self) -> float:
        """Of its long axis in radians, counter-clockwise from the vertical, from -pi / 2 to pi / 2."""
        difference = self.variance_y - self.variance_x
        if difference == 0:
            return math.pi / 4 if self.covariance > 0 else -math.pi / 4
        return 0.5 * math.atan2(2 * self.covariance, difference)

    def _variances(self) -> tuple[float, float]:
        """Along the long and the short axis: the eigenvalues of the matrix of variances."""
        half = (self.variance_y + self.variance_x) / 2
        apart = math.hypot((self.variance_y - self.variance_x) / 2, self.covariance)
        return half + apart, max(half - apart, 0.0)
