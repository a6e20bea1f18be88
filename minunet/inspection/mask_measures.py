"""Mask measures: the cells of a mask, their sizes, and the scores that are possible once it has been resized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minunet.data.cell_size import mean_diameter
from minunet.data.components import component_areas
from minunet.data.mask_cells import speck_area
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_bilinear
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import THRESHOLD, ConfusionCounts


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
    diameter : float
        The mean diameter of its cells, see `mean_diameter`; 0 without cells.
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
    diameter: float
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
        diameter=mean_diameter(cell if labels is None else labels),
        scale=float(np.sqrt(width * height / cell.size)),
        greys=limits,
        pixels=counted_grey.size,
        returned=_there_and_back(cell, counted, stored, preprocessing),
        classes=classes,
    )


def without_specks(areas: Sequence[np.ndarray], diameters: Sequence[float]) -> tuple[list[np.ndarray], int]:
    """The areas of the cells of each mask, and how many specks were left out: parts below the `speck_area` of all masks together.

    Parameters
    ----------
    areas : sequence of ndarray, (N,)
        Of the cells of each mask.
    diameters : sequence of float
        The `mean_diameter` of each mask.
    """
    every = np.concatenate([np.zeros(0, np.int64), *areas])
    # The mean diameter is in proportion to the area over the number of runs, so that the runs of all masks are added.
    runs = sum(part.sum() / one for part, one in zip(areas, diameters, strict=True) if one)
    speck = speck_area(every, float(every.sum() / runs) if runs else 0.0)
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
