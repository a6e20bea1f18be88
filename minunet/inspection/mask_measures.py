"""Mask measures: the cells of a mask, their sizes, and the scores that are possible once it has been resized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minunet.cells.watershed import typical_area
from minunet.data.components import component_areas
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_bilinear
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import THRESHOLD, ConfusionCounts

SPECK = 0.01  # of the area of a usual cell: what is smaller is no cell


@dataclass(frozen=True, eq=False)
class MaskMeasures:
    """The measures of one mask, at its own size unless stated otherwise.

    Attributes
    ----------
    cell_share, ignored_share : float
        The shares of its pixels.
    areas : ndarray, (cells,) int64
        Of each cell in pixels: by the numbers that the mask stores, else of each connected part.
    numbered : bool
        Whether the mask stores a number for each cell.
    scale : float
        Pixels of the network's input for each pixel of the mask, as a length.
    greys : MaskLimits
        The limits where the mask keeps its greys when it is resized (`--mask grayscale`).
    pixels : int
        How many pixels `greys` was computed from.
    returned : ConfusionCounts
        The mask resized to the input of the network and back, compared with itself.
    classes : ndarray of int, (K,), or None
        The number of cells of each class, where the mask shows classes.
    """

    cell_share: float
    ignored_share: float
    areas: np.ndarray
    numbered: bool
    scale: float
    greys: MaskLimits
    pixels: int
    returned: ConfusionCounts
    classes: np.ndarray | None = None


def measure_target(
    stored: StoredMask,
    target: np.ndarray,
    labels: np.ndarray | None,
    preprocessing: Preprocessing,
    classes: np.ndarray | None = None,
) -> MaskMeasures:
    """Measure a mask.

    Parameters
    ----------
    stored : StoredMask
    target : ndarray, (H, W, 1)
        The mask as training sees it, at its own size.
    labels : ndarray, (H, W) int32, or None
        The number of each cell, where the mask stores them or shows classes.
    preprocessing : Preprocessing
        Of the training.
    classes : ndarray of int, (K,), optional
        The number of cells of each class.
    """
    cell, counted = target[..., 0] >= THRESHOLD, target[..., 0] >= 0
    grey = replace(preprocessing, mask="grayscale").target(stored)
    counted_grey = grey[grey >= 0]
    limits = MaskLimits.of([counted_grey if counted_grey.size else np.zeros(1)])
    width, height = preprocessing.size or cell.shape[::-1]
    return MaskMeasures(
        cell_share=float(cell.mean()),
        ignored_share=float(1 - counted.mean()),
        areas=component_areas(cell) if labels is None else np.unique(labels[labels > 0], return_counts=True)[1],
        numbered=labels is not None and classes is None,
        scale=float(np.sqrt(width * height / cell.size)),
        greys=limits,
        pixels=counted_grey.size,
        returned=_there_and_back(cell, counted, stored, preprocessing),
        classes=classes,
    )


def without_specks(areas: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """The areas of the cells of each mask, and how many specks were left out: parts below a hundredth of a usual cell.

    The size of a usual cell is `typical_area`.
    """
    every = np.concatenate([np.zeros(0, np.int64), *areas])
    speck = SPECK * typical_area(every)
    kept = [part[part >= speck] for part in areas]
    return kept, every.size - sum(part.size for part in kept)


def diameters(areas: np.ndarray) -> np.ndarray:
    """The diameters of discs of the same areas."""
    return np.sqrt(4 / np.pi * areas)


def _there_and_back(
    cell: np.ndarray, counted: np.ndarray, stored: StoredMask, preprocessing: Preprocessing
) -> ConfusionCounts:
    if preprocessing.size is None or preprocessing.size == cell.shape[::-1]:
        return ConfusionCounts.of(cell[counted], cell[counted])
    small = replace(preprocessing, mask="binary").target(stored)
    back = resize_bilinear((small >= THRESHOLD).astype(np.float32), (cell.shape[1], cell.shape[0]))[..., 0] > THRESHOLD
    return ConfusionCounts.of(back[counted], cell[counted])
