"""Scored pairs: the scores of a model on images with masks, of pixels, cells and classes, from one pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.cell_evaluation import CellEvaluation
from minunet.inference.class_evaluation import ClassEvaluation
from minunet.inference.evaluation import evaluate
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import THRESHOLD, SegmentationMetrics
from minunet.inference.predicted_maps import PredictedMaps


@dataclass(frozen=True)
class ScoredPairs:
    """The scores of a model.

    Attributes
    ----------
    pixels : SegmentationMetrics
        At the size at which the images were scored.
    cells : CellEvaluation or None
        At the images' own size, with their pixels at that size; None where no cells were looked for.
    classes : ClassEvaluation or None
        At the images' own size; None for a model without classes, and where the masks are read without classes.
    """

    pixels: SegmentationMetrics
    cells: CellEvaluation | None
    classes: ClassEvaluation | None

    def extend(self, other: ScoredPairs) -> None:
        """Add the images of other scores, found in the same way, behind these."""
        self.pixels.extend(other.pixels)
        if self.cells is not None and other.cells is not None:
            self.cells.extend(other.cells)
        if self.classes is not None and other.classes is not None:
            self.classes.extend(other.classes)

    def totals(self) -> dict[str, Any]:
        """The scores over all images, as in metrics.json."""
        return {
            "all_pixels": self.pixels.result(),
            "mean_over_images": self.pixels.mean(),
            "cells": None if self.cells is None else self.cells.scores.result(),
            "native_pixels": None if self.cells is None else self.cells.pixels.result(),
            "classes": None if self.classes is None else self.classes.result(),
            "mean_class_dice": None if self.classes is None else self.classes.pixels.mean_dice(),
        }

    def cells_of_images(self) -> dict[str, dict[str, Any]]:
        """By the name of the image: the scores of its cells; empty where no cells were looked for."""
        return {} if self.cells is None else self.cells.per_image()


def score_pairs(
    model: LoadedModel,
    pairs: Sequence[Pair],
    *,
    cells: bool,
    native: bool = False,
    diameter: float | None = None,
    threshold: float | None = None,
    batch_size: int = 8,
    progress: ProgressCallback | None = None,
    observe: Callable[[Pair, np.ndarray, float, float | None], object] | None = None,
) -> ScoredPairs:
    """Score a model on pairs of images and masks; what is not said here is as for `minunet.inference.evaluation.evaluate`.

    Parameters
    ----------
    model : LoadedModel
        Whose preprocessing reads these masks: see `minunet.inference.evaluation_reading.model_for_masks`.
    pairs : sequence of Pair
    cells : bool
        Whether cells are looked for, which needs the packages for cells.
    native : bool
    diameter : float, optional
    threshold : float, optional
        A pixel is cell where its probability is above it; by default 0.5 for pixels, and for cells that of the model's settings.
    batch_size : int
    progress, observe : callable, optional

    Returns
    -------
    ScoredPairs
    """
    of_pixels = THRESHOLD if threshold is None else threshold
    classes = ClassEvaluation.of_model(model.legend, model.preprocessing.reading)
    of_cells = None
    if cells:
        settings = model.cell_settings.at_threshold(threshold)
        of_cells = CellEvaluation(classes=classes, settings=settings, pixels=SegmentationMetrics(of_pixels))

    def add(pair: Pair, mask: StoredMask, maps: PredictedMaps) -> None:
        if classes is not None:
            classes.add_maps(maps, mask, of_pixels)
        if of_cells is not None:
            of_cells.add(model, pair, mask, maps)

    pixels = evaluate(
        model,
        pairs,
        native=native,
        batch_size=batch_size,
        progress=progress,
        observe=observe,
        observe_cells=None if of_cells is None and classes is None else add,
        diameter=diameter,
        threshold=of_pixels,
    )
    return ScoredPairs(pixels, of_cells, classes)
