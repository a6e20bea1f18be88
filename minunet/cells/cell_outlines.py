"""Cell outlines: the border of a cell as polygons, finer than its pixels, from which lengths are measured.

The steps of the pixels are smoothed away: they would make the perimeter of a disc 27 % too long, and diameters a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.cells.cell_packages import require

# Pixels, standard deviation: the length of the outline of a disc or an ellipse is then right within 1 %.
SMOOTHING = 1.2
CHANGED = 0.1  # a cell whose area would change by more than this share is too thin to be smoothed


@dataclass(frozen=True)
class SmoothOutline:
    """The outline of one cell.

    Attributes
    ----------
    polygons : list of ndarray, (N, 2) float
        Closed, the last point is the first; x and y in pixels from the middle of the first pixel of the cell's box. The holes of
        the cell are polygons, too.
    """

    polygons: list[np.ndarray]

    @classmethod
    def of(cls, cell: np.ndarray) -> SmoothOutline:
        """The outline of a cell, (h, w) bool: where the cell, smoothed by a Gaussian, has one half."""
        ndimage, measure = require("scipy.ndimage"), require("skimage.measure")
        padded = np.pad(cell, 4).astype(np.float32)
        area = np.count_nonzero(cell)
        for image in (ndimage.gaussian_filter(padded, SMOOTHING), padded):
            polygons = [contour[:, ::-1] - 4 for contour in measure.find_contours(image, 0.5)]
            if polygons and abs(abs(sum(map(signed_area, polygons))) - area) <= CHANGED * area:
                break
        return cls(polygons)

    @property
    def perimeter(self) -> float:
        """The length of all polygons in pixels."""
        return float(sum(np.linalg.norm(np.diff(polygon, axis=0), axis=1).sum() for polygon in self.polygons))

    def feret_diameters(self) -> tuple[float, float]:
        """The largest and the smallest distance in pixels of two parallel lines that touch the cell from both sides.

        For the smallest one of the lines goes along a side of the convex hull (Houle, M. and Toussaint, G. (1988), Computing the
        width of a set, IEEE Trans. Pattern Anal. Mach. Intell. 10(5)).
        """
        points = np.concatenate(self.polygons)
        hull = points[require("scipy.spatial").ConvexHull(points).vertices]  # counter-clockwise, (V, 2)
        apart = hull[:, None] - hull[None]  # (V, V, 2)
        sides = np.roll(hull, -1, axis=0) - hull
        normals = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / np.linalg.norm(sides, axis=1, keepdims=True)
        heights = hull @ normals.T - np.sum(hull * normals, axis=1)  # (V, V): of each corner above each side
        return float(np.sqrt((apart**2).sum(axis=2).max())), float(heights.max(axis=0).min())


def signed_area(polygon: np.ndarray) -> float:
    """The area of a closed polygon (N, 2), negative for one that goes round the other way (the shoelace formula)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)
