"""The cells of masks: the truth that predicted cells are compared with.

Where a mask numbers its cells, these numbers count. Elsewhere each connected region of the mask, at its full size, is a cell; of a
mask of classes each connected region of one kind (see `minunet.data.class_cells`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minunet.data.cell_numbers import without_gaps
from minunet.data.cell_size import mean_diameter
from minunet.data.class_cells import cells_by_class
from minunet.data.components import label_components
from minunet.data.reading.mask_classes import outermost
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask

SPECK = 0.02  # share of the area of the typical region; smaller ones are noise, in predictions and in masks


@dataclass(frozen=True)
class MaskCells:
    """The cells of one mask.

    Attributes
    ----------
    labels : ndarray, (H, W) int32
        The number of the cell of each pixel, 0 where there is none.
    are_numbered : bool
        Whether the mask itself numbers them; otherwise they are its connected regions, so that cells that touch are one.
    ignored : ndarray, (H, W) bool, or None
        Pixels that count in no score.
    classes : ndarray of int, (cells + 1,), or None
        The index of the class of each number, where the mask shows classes.
    """

    labels: np.ndarray
    are_numbered: bool
    ignored: np.ndarray | None = None
    classes: np.ndarray | None = None

    def scored(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The true and the predicted labels that are compared: without the cells of which half or more lies in ignored pixels."""
        if self.ignored is None or not self.ignored.any():
            return self.labels, predicted
        return tuple(_outside(labels, self.ignored) for labels in (self.labels, predicted))  # type: ignore[return-value]


def cells_of_mask(stored: StoredMask, preprocessing: Preprocessing) -> MaskCells:
    """The cells of a mask, as the preprocessing of the model reads it.

    Parameters
    ----------
    stored : StoredMask
    preprocessing : Preprocessing
        Its reading of masks, or its threshold; the mask keeps its own size.
    """
    reading, ignored = preprocessing.reading, None
    if reading is not None:
        if reading.classes:
            return _cells_of_classes(stored, reading)
        ignored = reading.ignored(stored)
        if (numbers := reading.labels(stored)) is not None:
            return MaskCells(numbers, True, ignored)
    target = preprocessing.at_own_size().target(stored)[..., 0]
    return MaskCells(connected_cells(target >= 0.5), False, ignored)


def _cells_of_classes(stored: StoredMask, reading: MaskReading) -> MaskCells:
    """The connected regions of each kind of cell: those of a class, together with the classes that lie in it."""
    index = reading.class_index(stored)
    cells = cells_by_class(index, outermost(reading.classes), connected_cells)
    ignored = index < 0
    return MaskCells(cells.labels, False, ignored if ignored.any() else None, cells.classes)


def connected_cells(cell: np.ndarray) -> np.ndarray:
    """The connected regions of a mask, (H, W) int32 from 1 up; neighbours are up, down, left and right, and specks are left out.

    Parameters
    ----------
    cell : ndarray, (H, W) bool
    """
    labels = label_components(cell)
    areas = np.bincount(labels.ravel())
    kept = areas >= speck_area(areas[1:], mean_diameter(cell))
    kept[0] = False
    return (np.cumsum(kept) * kept).astype(np.int32)[labels]


def speck_area(areas: np.ndarray, diameter: float) -> float:
    """The area below which regions are noise.

    It is a share of the typical region, or of a cell as wide as the cells are on average, whichever is less: where most cells are
    in one clump, the typical region is the clump, beside which a single cell is small.

    Parameters
    ----------
    areas : ndarray, (N,)
        Of the connected regions of one mask, or of several.
    diameter : float
        Their `mean_diameter`.
    """
    return SPECK * min(typical_area(areas), math.pi / 4 * diameter**2)


def typical_area(areas: np.ndarray) -> float:
    """The median area of regions, where each counts by its area, so that any number of specks does not matter; 0 without any."""
    ordered = np.sort(areas)
    total = np.cumsum(ordered)
    return float(ordered[np.searchsorted(total, total[-1] / 2)]) if len(ordered) else 0.0


def _outside(labels: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """The labels without those of which half or more of the pixels are ignored."""
    numbers, areas = without_gaps(labels)
    kept = 2 * np.bincount(numbers[ignored], minlength=len(areas) + 1)[1:] < areas
    return np.where(np.concatenate([[False], kept])[numbers], labels, 0)
