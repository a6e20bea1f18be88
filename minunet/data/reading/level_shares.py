"""Level shares: which levels of a set of masks a reading takes for cell or ignores, and the share of the pixels that is cell."""

from __future__ import annotations

import numpy as np

from minunet.data.reading.blurred_colours import are_near
from minunet.data.reading.class_index import class_of_values
from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.mask_values import MaskValues


def white_value(levels: MaskLevels) -> float:
    """The value of white: 1 in masks of 0 and 1, and in floats that of the integers they would fit into."""
    highest = float(levels.values[-1])
    if levels.in_colour or levels.form == "indices":
        return levels.white
    if highest <= 1:
        return 1.0
    return (
        next((white for white in (255.0, 65535.0) if highest <= white), highest) if levels.white == 1 else levels.white
    )


def cell_levels(levels: MaskLevels, reading: MaskReading) -> np.ndarray:
    """Which levels are cell and not ignored."""
    chosen = MaskValues(reading.cells)
    if reading.classes:
        cell = class_of_values(levels.values, reading.classes, colours=levels.in_colour, tolerance=reading.tolerance)
        return np.asarray(cell > 0) & ~ignored_levels(levels, reading)
    if reading.tolerance:
        cell = are_near(levels.values, chosen, reading.tolerance)
    else:
        cell = chosen.chosen(levels.values, colours=levels.in_colour)
    return cell & ~ignored_levels(levels, reading)


def ignored_levels(levels: MaskLevels, reading: MaskReading) -> np.ndarray:
    """Which levels are ignored."""
    if reading.ignore is None:
        return np.zeros(len(levels.values), bool)
    return MaskValues(reading.ignore).chosen(levels.values, colours=levels.in_colour)


def cell_share(levels: MaskLevels, reading: MaskReading) -> float:
    """The share of the counted pixels that is cell."""
    counted = int(levels.pixels[~ignored_levels(levels, reading)].sum())
    cell = levels.pixels * cell_levels(levels, reading)
    if reading.blurred:  # on a blurred edge half of the pixels are cell
        cell = np.where(levels.flatness < THIN, cell / 2, cell)
    return float(cell.sum() / counted) if counted else 0.0
