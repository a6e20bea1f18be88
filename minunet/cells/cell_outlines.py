"""Cell outlines: the border of a cell, finer than its pixels, from which lengths are measured.

The steps of the pixels are smoothed away: they would make the perimeter of a disc 27 % too long, and diameters a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.cell_packages import require
from minunet.cells.gaussian_filter import gaussian_filter, with_margin

# Pixels, standard deviation: the length of the outline of a disc or an ellipse is then right within 1 %.
SMOOTHING = 1.2
MARGIN = 4  # pixels around the cell, which its smoothed outline may reach into
CHANGED = 0.1  # a cell whose area would change by more than this share is too thin to be smoothed


# The sides of a square of four neighbouring pixels that an outline crosses, by which of the pixels are inside: 1 upper left, 2
# upper right, 4 lower left, 8 lower right. From one side to the other, with the inside always on the same hand; sides are 0 upper,
# 1 lower, 2 left, 3 right. At 6 and 9 the outline crosses the square twice, and the two pixels inside are not connected.
_SIDES = {
    1: (0, 2),
    2: (3, 0),
    3: (3, 2),
    4: (2, 1),
    5: (0, 1),
    6: (3, 0),
    7: (3, 1),
    8: (1, 3),
    9: (0, 2),
    10: (1, 0),
    11: (1, 2),
    12: (2, 3),
    13: (0, 3),
    14: (2, 0),
}
_CROSSINGS = np.array([_SIDES.get(case, (0, 0)) for case in range(16)])
_SECOND_CROSSINGS = {6: (2, 1), 9: (1, 3)}


@dataclass(frozen=True)
class SmoothOutline:
    """The outline of one cell.

    Attributes
    ----------
    segments : ndarray, (N, 2, 2) float
        The straight pieces of the outline in any order: the x and y of both ends, in pixels from the middle of the first pixel of
        the cell's box. The holes of the cell have an outline, too.
    """

    segments: np.ndarray

    @classmethod
    def of(cls, cell: np.ndarray) -> SmoothOutline:
        """The outline of a cell, (h, w) bool: where the cell, smoothed by a Gaussian, has one half."""
        padded = with_margin(cell, MARGIN).astype(np.float32)
        area = np.count_nonzero(cell)
        for image in (gaussian_filter(padded, SMOOTHING), padded):
            outline = cls(level_segments(image, 0.5) - MARGIN)
            if len(outline.segments) and abs(outline.area - area) <= CHANGED * area:
                break
        return outline

    @property
    def area(self) -> float:
        """The area inside, without holes, in pixels (the shoelace formula)."""
        (x1, y1), (x2, y2) = self.segments[:, 0].T, self.segments[:, 1].T
        return abs(float(np.sum(x1 * y2 - x2 * y1))) / 2

    @property
    def perimeter(self) -> float:
        """The length of all outlines in pixels."""
        (x1, y1), (x2, y2) = self.segments[:, 0].T, self.segments[:, 1].T
        return float(np.hypot(x2 - x1, y2 - y1).sum())

    def feret_diameters(self) -> tuple[float, float]:
        """The largest and the smallest distance in pixels of two parallel lines that touch the cell from both sides.

        For the smallest one of the lines goes along a side of the convex hull (Houle, M. and Toussaint, G. (1988), Computing the
        width of a set, IEEE Trans. Pattern Anal. Mach. Intell. 10(5)).
        """
        points = self.segments[:, 0]
        x, y = points[require("scipy.spatial").ConvexHull(points).vertices].T  # counter-clockwise, (V,)
        squares = np.square(np.subtract.outer(x, x)) + np.square(np.subtract.outer(y, y))  # (V, V)
        side_x, side_y = np.diff(x, append=x[0]), np.diff(y, append=y[0])
        length = np.hypot(side_x, side_y)
        normal_x, normal_y = -side_y / length, side_x / length
        heights = np.outer(x, normal_x) + np.outer(y, normal_y)  # (V, V): of each corner above each side
        smallest = heights.max(axis=0) - x * normal_x - y * normal_y
        return float(np.sqrt(squares.max())), float(smallest.min())


def level_segments(image: np.ndarray, level: float) -> np.ndarray:
    """The lines at which an image has a level: marching squares, as `skimage.measure.find_contours`, but not joined.

    Parameters
    ----------
    image : ndarray, (h, w)
    level : float

    Returns
    -------
    ndarray, (N, 2, 2) float64
        The x and y of both ends of each line. What is above the level is always on the same side.
    """
    inside = (image > level).view(np.uint8)
    case = inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, :-1] + 8 * inside[1:, 1:]  # (h - 1, w - 1)
    rows, columns = np.nonzero((case > 0) & (case < 15))
    case = case[rows, columns]
    upper_left, upper_right, lower_left, lower_right = (
        image[rows + down, columns + right].astype(np.float64) for down in (0, 1) for right in (0, 1)
    )
    sides = np.empty((len(rows), 4, 2))  # (squares, sides, x and y)
    sides[:, 0, 0] = columns + _place(upper_left, upper_right, level)
    sides[:, 0, 1] = rows
    sides[:, 1, 0] = columns + _place(lower_left, lower_right, level)
    sides[:, 1, 1] = rows + 1
    sides[:, 2, 0] = columns
    sides[:, 2, 1] = rows + _place(upper_left, lower_left, level)
    sides[:, 3, 0] = columns + 1
    sides[:, 3, 1] = rows + _place(upper_right, lower_right, level)
    segments = [sides[np.arange(len(case))[:, None], _CROSSINGS[case]]]
    segments += [sides[case == number][:, crossing] for number, crossing in _SECOND_CROSSINGS.items()]
    return np.concatenate(segments)


def _place(first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    """Where between two values the level is, as a share of the way; anything where it is not between them."""
    apart = second - first
    return np.where(apart == 0, 0.0, (level - first) / np.where(apart == 0, 1.0, apart))


def signed_area(polygon: np.ndarray) -> float:
    """The area of a closed polygon (N, 2), negative for one that goes round the other way (the shoelace formula)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)
