"""Class indices: which class of a mask each pixel has, by its value and, on a blurred edge, by the pixels beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.data.reading.mask_classes import MaskClass
from minunet.data.reading.mask_values import MaskValues, unpacked

NO_CLASS = -1
_SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def class_of_values(
    values: np.ndarray, classes: Sequence[MaskClass], *, colours: bool, tolerance: float = 0.0
) -> np.ndarray:
    """The index of the class of each value, int16 of the shape of `values`; -1 for values of no class.

    Parameters
    ----------
    values : ndarray
        Numbers, or colours as `minunet.data.reading.mask_values.packed` gives them.
    classes : sequence of MaskClass
    colours : bool
        Whether they are colours.
    tolerance : float
        A value of no class has that of the nearest one up to this distance: of red, green and blue, or of numbers.
    """
    found = np.full(np.shape(values), NO_CLASS, np.int16)
    for place, mask_class in enumerate(classes):
        found[MaskValues(mask_class.values).chosen(values, colours=colours)] = place
    left = found == NO_CLASS
    if tolerance and left.any():
        distance = _distances(values[left], classes, colours)
        nearest = distance.argmin(axis=1)
        near = distance[np.arange(len(nearest)), nearest] <= tolerance
        found[left] = np.where(near, nearest, NO_CLASS)
    return found


def class_tolerance(classes: Sequence[MaskClass], *, colours: bool) -> float:
    """How far noise may move a value: a quarter of the smallest distance between two classes, and at most 60 in colours."""
    points = [_points(mask_class, colours) for mask_class in classes]
    gaps = [
        float(np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=-1)).min())
        for place, one in enumerate(points)
        for other in points[:place]
        if len(one) and len(other)
    ]
    quarter = min(gaps, default=0.0) / 4
    return min(quarter, 60.0) if colours else quarter


def filled(index: np.ndarray, values: np.ndarray, classes: Sequence[MaskClass], *, colours: bool) -> np.ndarray:
    """The indices with those of blurred edges filled in: of the classes beside a pixel the one whose value is nearest to its own.

    Parameters
    ----------
    index : ndarray, (H, W) int16
        As `class_of_values` gives them.
    values : ndarray, (H, W)
    classes : sequence of MaskClass
    colours : bool
    """
    index = index.copy()
    height, width = index.shape
    rows, columns = np.nonzero(index == NO_CLASS)
    cost = _distances(values[rows, columns], classes, colours)  # (edges, K)
    while rows.size:
        best = np.full(rows.size, NO_CLASS, np.int16)
        lowest = np.full(rows.size, np.inf)
        for down, right in _SIDES:
            row, column = rows + down, columns + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            beside = np.where(inside, index[row.clip(0, height - 1), column.clip(0, width - 1)], NO_CLASS)
            known = beside >= 0
            price = np.where(known, cost[np.arange(rows.size), np.maximum(beside, 0)], np.inf)
            better = price < lowest
            best[better], lowest[better] = beside[better], price[better]
        done = best >= 0
        if not done.any():  # no pixel of the mask has a class
            break
        index[rows[done], columns[done]] = best[done]
        rows, columns, cost = rows[~done], columns[~done], cost[~done]
    return index


def _points(mask_class: MaskClass, colours: bool) -> np.ndarray:
    """The values that a class names, (n, 3) or (n, 1)."""
    chosen = MaskValues(mask_class.values)
    if not colours:
        return np.array(chosen.numbers(), np.float64).reshape(-1, 1)
    greys = [int(number) * 0x10101 for number in chosen.numbers()]
    return unpacked(np.array([*chosen.colours(), *greys], np.uint32)).astype(np.float64).reshape(-1, 3)


def _distances(values: np.ndarray, classes: Sequence[MaskClass], colours: bool) -> np.ndarray:
    """The distance of values (n,) to each class: (n, K); large for a class that names no single value."""
    own = unpacked(values).astype(np.float64) if colours else values.astype(np.float64)[:, None]
    result = np.full((len(own), len(classes)), 1e9)
    for place, mask_class in enumerate(classes):
        for point in _points(mask_class, colours):
            np.minimum(result[:, place], np.sqrt(((own - point) ** 2).sum(axis=-1)), out=result[:, place])
    return result
