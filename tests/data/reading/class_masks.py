"""Masks of several classes for the tests: red cells, a white cell with its nucleus, and a platelet."""

import numpy as np

from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.stored_mask import StoredMask

NAMES = "background,red,white,nucleus,platelet"
COLOURS = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
WITH_COLOURS = "background=#000000,red=#ff0000,white=#00ff00,nucleus=#00f,platelet=#ffff00"


def class_indices(size=96):
    """The classes 0 to 4, (size, size) uint8: two red cells, a white cell with nucleus and cytoplasm, a platelet."""
    rows, columns = np.mgrid[:size, :size] * (96 / size)
    index = np.zeros((size, size), np.uint8)
    for x, y, radius, place in ((20, 20, 10, 1), (60, 25, 14, 2), (60, 25, 7, 3), (30, 70, 12, 1), (80, 80, 4, 4)):
        index[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = place
    return index


def stored(values=(0, 1, 2, 3, 4), palette=None, size=96):
    """The mask with these values, or colours, for the five classes."""
    table = np.array(values, np.uint8)
    return StoredMask(np.ascontiguousarray(table[class_indices(size)]), palette)


def chosen(text, *masks, ignore=None):
    """The reading of masks with `--classes TEXT`."""
    masks = masks or (stored(),)
    return choose_reading([MaskCounts.of(mask) for mask in masks], MaskChoice(classes=text, ignore=ignore))


def reading(text=NAMES, *masks, ignore=None):
    """The reading itself."""
    found = chosen(text, *masks, ignore=ignore)
    assert found.problems == ()
    return found.reading
