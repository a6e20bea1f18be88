"""Blurred colours: masks in colour whose edges are blurred, or that have noise, as JPEG files do."""

from __future__ import annotations

import numpy as np

from minunet.data.reading.mask_values import MaskValues, unpacked

NEIGHBOURHOOD = 3  # pixels: the edge of a region is blurred over no more than this


def are_near(values: np.ndarray, chosen: MaskValues, tolerance: float) -> np.ndarray:
    """Colours with noise: near the named ones, or not near them where the text is negated."""
    codes, places = np.unique(values, return_inverse=True)
    colours = unpacked(codes).astype(np.float64)
    named = unpacked(np.array(chosen.colours(), np.uint32)).astype(np.float64)
    distance = np.sqrt(((colours[:, None] - named) ** 2).sum(axis=-1)).min(axis=1)  # (colours, named, 3) -> (colours,)
    near = distance <= tolerance
    return np.asarray((~near if chosen.negated else near)[places].reshape(values.shape))


def sharpened(values: np.ndarray, chosen: MaskValues) -> np.ndarray:
    """The colours, those of blurred edges replaced by the nearest one of the regions around them.

    A colour belongs to a region where a square of 2x2 pixels has it, or where the text names it.
    """
    same = (values[:-1, :-1] == values[:-1, 1:]) & (values[:-1, :-1] == values[1:, :-1])
    same &= values[:-1, :-1] == values[1:, 1:]
    codes, places = np.unique(values, return_inverse=True)
    places = places.reshape(values.shape)
    solid = np.isin(codes, chosen.colours())
    solid[places[:-1, :-1][same]] = True
    edges = np.flatnonzero(~solid[places].ravel())
    if not edges.size or not solid.any():
        return values
    height, width = values.shape
    rows, columns = edges // width, edges % width
    own = unpacked(values.ravel()[edges]).astype(np.int32)
    best = np.full(edges.size, np.iinfo(np.int32).max, np.int32)
    nearest = values.ravel()[edges]
    first, several = np.full(edges.size, -1, np.int64), np.zeros(edges.size, bool)
    for reach in range(1, NEIGHBOURHOOD + 1):  # the next pixels first: those farther away may be of another cell
        open_ = ~several  # of an edge at least two colours are known
        steps = range(-reach, reach + 1)
        for down, right in ((i, j) for i in steps for j in steps):
            row, column = rows + down, columns + right
            inside = open_ & (row >= 0) & (row < height) & (column >= 0) & (column < width)
            row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
            other = values[row, column]
            distance = ((unpacked(other).astype(np.int32) - own) ** 2).sum(axis=-1)
            found = inside & solid[places[row, column]]
            several |= found & (first >= 0) & (first != other)
            first[found] = other[found]
            better = found & (distance < best)
            best[better], nearest[better] = distance[better], other[better]
    result = values.copy()
    result.ravel()[edges] = nearest
    return result
