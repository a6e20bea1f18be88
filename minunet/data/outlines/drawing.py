"""Drawing outlines: which pixels a polygon, a circle or an ellipse covers.

The centre of a pixel has whole coordinates, as in `skimage.draw.polygon`: a pixel belongs to a polygon if its centre lies inside or
on the outline. So the outlines that OpenCV and `skimage.measure.find_contours` give of a mask are drawn as that mask. In files of
COCO and QuPath the sides of a pixel have whole coordinates; `between_sides` shifts their corners.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.data.reading.numbered_cells import CellPart
from minunet.errors import UserError

MOST_CROSSINGS = 50_000_000  # of rows of pixels with the sides of one polygon
FARTHEST = 1e7  # pixels; a corner that is farther out is a damaged number
TOLERANCE = 1e-6  # pixels by which a computed crossing may miss the centre of a pixel that is on the outline
# A little less than a half, so that a centre on the left or upper side is outside and one on the right or lower side inside.
HALF_PIXEL = 0.5 - 1e-3


def draw_polygon(ring: np.ndarray, shape: tuple[int, int], *, border: bool = True) -> np.ndarray:
    """The pixels of a polygon, by the even-odd rule.

    Parameters
    ----------
    ring : ndarray, (N, 2)
        Corners as (x, y) in pixels; the last one is joined to the first.
    shape : (H, W)
    border : bool
        Whether pixels whose centre lies on the outline belong to it.

    Returns
    -------
    ndarray, (H, W) bool
    """
    height, width = shape
    x, y = ring[:, 0], ring[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    rows, crossings = _crossings(x, y, next_x, next_y, height)
    change = np.zeros((height, width + 1), np.int32)
    slack = TOLERANCE if border else -TOLERANCE
    first = np.clip(np.ceil(crossings[0::2] - slack), 0, width).astype(np.intp)
    last = np.clip(np.floor(crossings[1::2] + slack) + 1, 0, width).astype(np.intp)
    filled = first < last
    np.add.at(change, (rows[0::2][filled], first[filled]), 1)
    np.add.at(change, (rows[0::2][filled], last[filled]), -1)
    mask = np.cumsum(change, axis=1)[:, :width] > 0
    _draw_level_sides(mask, x, y, next_x, next_y, border)
    return mask


def draw_ellipse(
    centre: tuple[float, float], radii: tuple[float, float], angle: float, shape: tuple[int, int]
) -> CellPart:
    """The pixels of an ellipse: those whose centre lies inside or on the outline; `angle` turns it, in radians."""
    reach = max(radii) + 1
    top, left, height, width = _window(np.array(centre) - reach, np.array(centre) + reach, shape)
    rows, columns = np.ogrid[:height, :width]
    right, down = columns + left - centre[0], rows + top - centre[1]
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    radii = max(radii[0], TOLERANCE), max(radii[1], TOLERANCE)
    return cut_out((along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1 + TOLERANCE, top, left)


def draw_rings(rings: Sequence[np.ndarray], shape: tuple[int, int]) -> CellPart:
    """The pixels of a cell of several polygons: one that lies inside another is a hole in it, and one in a hole is cell again."""
    rings = [ring for ring in rings if len(ring)]
    if not rings:
        return CellPart(0, 0, np.zeros((0, 0), bool))
    everything = np.concatenate(list(rings))
    top, left, *size = _window(everything.min(axis=0), everything.max(axis=0), shape)
    shifted = [ring - (left, top) for ring in rings]
    return CellPart(top, left, _draw_together(shifted, (size[0], size[1])))


def _draw_together(rings: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    filled = [draw_polygon(ring, shape) for ring in rings]
    if len(filled) == 1:
        return filled[0]
    order = sorted(range(len(rings)), key=lambda i: -int(filled[i].sum()))
    mask = np.zeros(shape, bool)
    for position, i in enumerate(order):
        around = sum(bool(filled[j][filled[i]].all()) for j in order[:position] if filled[i].any())
        if around % 2:
            mask &= ~draw_polygon(rings[i], shape, border=False)
        else:
            mask |= filled[i]
    return mask


def between_sides(ring: np.ndarray) -> np.ndarray:
    """Corners (N, 2) for `draw_polygon` of a ring in coordinates in which pixel i lies between i and i + 1.

    A square from 10 to 20 then has 10x10 pixels. pycocotools gives the same pixels, but for some whose centre is
    nearer to the outline than it rounds to, about a fifth of a pixel.
    """
    return ring - HALF_PIXEL


def corners(values: object, what: str) -> np.ndarray:
    """Corners from a list of [x, y], checked: (N, 2) float64.

    Raises
    ------
    UserError
        With the reason, which begins with `what`.
    """
    try:
        ring = np.array(values, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{what} has corners that are not pairs of numbers.") from error
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise UserError(f"{what} has corners that are not pairs of numbers.")
    if not np.isfinite(ring).all() or np.abs(ring).max(initial=0) > FARTHEST:
        raise UserError(f"{what} has a corner that is not in any image.")
    return ring


def cut_out(mask: np.ndarray, top: int = 0, left: int = 0) -> CellPart:
    """The part of a mask (H, W) that a cell is in; `top` and `left` say where the mask lies in the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return CellPart(0, 0, np.zeros((0, 0), bool))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    return CellPart(top + int(rows[0]), left + int(columns[0]), part)


def _window(low: np.ndarray, high: np.ndarray, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels between two corners (x, y), as far as they are in the image: top, left, height, width."""
    left, top = (int(np.clip(np.floor(value), 0, side)) for value, side in zip(low, shape[::-1], strict=True))
    right, bottom = (int(np.clip(np.ceil(value) + 1, 0, side)) for value, side in zip(high, shape[::-1], strict=True))
    return top, left, max(0, bottom - top), max(0, right - left)


def _crossings(
    x: np.ndarray, y: np.ndarray, next_x: np.ndarray, next_y: np.ndarray, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the sides of a polygon cross the rows of pixels: row and x, two for each stretch inside, in order."""
    upper, lower = np.minimum(y, next_y), np.maximum(y, next_y)
    # A side has its upper end and not its lower one, so that a corner between two sides counts once.
    first = np.clip(np.ceil(upper), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower), 0, height).astype(np.int64)
    counts = np.maximum(last - first, 0)
    total = int(counts.sum())
    if total > MOST_CROSSINGS:
        raise UserError("an outline has too many corners.")
    side = np.repeat(np.arange(len(x)), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.arange(total) - starts + first[side]
    slope = (next_x - x)[side] / (next_y - y)[side]
    crossings = x[side] + (rows - y[side]) * slope
    order = np.lexsort((crossings, rows))
    return rows[order], crossings[order]


def _draw_level_sides(
    mask: np.ndarray, x: np.ndarray, y: np.ndarray, next_x: np.ndarray, next_y: np.ndarray, border: bool
) -> None:
    """Add, or take away, what lies exactly on level sides and corners, which no crossing gives for sure."""
    height, width = mask.shape
    in_row = (y == np.round(y)) & (y >= 0) & (y < height)
    corner = in_row & (x == np.round(x)) & (x >= 0) & (x < width)
    mask[y[corner].astype(np.intp), x[corner].astype(np.intp)] = border
    for i in np.flatnonzero(in_row & (next_y == y)):
        first = max(0, int(np.ceil(min(x[i], next_x[i]) - TOLERANCE)))
        last = min(width, int(np.floor(max(x[i], next_x[i]) + TOLERANCE)) + 1)
        if first < last:
            mask[int(y[i]), first:last] = border
