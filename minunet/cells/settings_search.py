"""The search for the cell settings of a model: those that find the cells of its validation images best."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_maps import CellMaps, CutKinds
from minunet.cells.cell_matching import IOU_THRESHOLDS, match_cells
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.cells.watershed import CutRegions
from minunet.data.mask_cells import MaskCells

THRESHOLDS = (0.4, 0.5, 0.6)
SMOOTHINGS = (0.02, 0.05, 0.1)
SEED_HEIGHTS = (0.02, 0.04, 0.07, 0.1, 0.15, 0.25)
# With what a network has learned, which has deeper seams between cells than the distance alone.
LEARNED = (0.0, 0.5, 0.8, 1.0)
LEARNED_SEED_HEIGHTS = (0.04, 0.07, 0.1, 0.15, 0.25, 0.4)
LEARNED_SMOOTHINGS = (0.05, 0.1, 0.2)
SMALLEST_AREAS = (0.05, 0.15, 0.3)
MATCHED_PIXELS = 500_000  # larger images are matched by every second, third ... pixel, which hardly changes an IoU

MapsAndTruth = tuple[CellMaps, MaskCells]  # the maps of an image, and its true cells
ImageSource = Callable[[], Iterator[MapsAndTruth]]


@dataclass
class _Sums:
    """The counts of one setting over the images."""

    true: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    matched: np.ndarray = field(default_factory=lambda: np.zeros(len(IOU_THRESHOLDS), np.int64))

    def add(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        step = max(1, round((truth.size / MATCHED_PIXELS) ** 0.5))
        matching = match_cells(truth[::step, ::step], predicted[::step, ::step])
        self.true.append(len(matching.true_areas))
        self.predicted.append(len(matching.predicted_areas))
        self.matched += [len(matching.matched(threshold)) for threshold in IOU_THRESHOLDS]

    @property
    def f1(self) -> float:
        cells = sum(self.true) + sum(self.predicted)
        return 2 * float(self.matched[0]) / cells if cells else 1.0

    @property
    def mean_ap(self) -> float:
        cells = sum(self.true) + sum(self.predicted)
        return float(np.mean(self.matched / np.maximum(cells - self.matched, 1))) if cells else 1.0

    @property
    def count_error(self) -> float:
        return float(np.mean([abs(p - t) / max(t, 1) for t, p in zip(self.true, self.predicted, strict=True)]))


def choose_cells(images: ImageSource, start: CellSettings | None = None) -> CellChoice | None:
    """Choose the settings that find the cells of some images best.

    The score is F1 at an IoU of 0.5 (in thousandths), and for the same F1 the mean AP over the IoU from 0.5 to 0.9. First the seed
    height and the smallest area are chosen together, with the share of what the network has learned where `start` has one, then
    the threshold, then the smoothing, then seed height and smallest area once more.

    Parameters
    ----------
    images : callable
        Yields the maps of each image and its true cells; called up to four times, so that not all images need to
        be in memory.
    start : CellSettings, optional
        Where the search begins; the defaults unless given.

    Returns
    -------
    CellChoice or None
        None where the images have no cells at all.
    """
    settings = start or CellSettings()
    heights, smoothings = (LEARNED_SEED_HEIGHTS, LEARNED_SMOOTHINGS) if settings.learned else (SEED_HEIGHTS, SMOOTHINGS)
    heights_and_areas = [
        {"seed_height": height, "smallest_area": area} for height, area in itertools.product(heights, SMALLEST_AREAS)
    ]
    first = heights_and_areas
    if settings.learned:
        first = [{"seed_height": height, "learned": learned} for height, learned in itertools.product(heights, LEARNED)]
    steps: list[list[dict[str, float]]] = [
        first,
        [{"threshold": value} for value in THRESHOLDS],
        [{"smoothing": value} for value in smoothings],
        heights_and_areas,
    ]
    sums: dict[CellSettings, _Sums] = {}
    for step in steps:
        # The settings from before come first: of equals, the first is kept.
        tried = list(dict.fromkeys([settings, *(replace(settings, **values) for values in step)]))
        if untried := [candidate for candidate in tried if candidate not in sums]:
            sums |= _try(images(), untried)
        settings = max(tried, key=lambda candidate: (round(sums[candidate].f1, 3), sums[candidate].mean_ap))
    best = sums[settings]
    if not sum(best.true):
        return None
    scores = {
        "images": len(best.true),
        "cells": sum(best.true),
        "cell_f1": best.f1,
        "mean_ap": best.mean_ap,
        "count_error": best.count_error,
    }
    counts = tuple(zip(best.true, best.predicted, strict=True))
    return CellChoice(settings, CountInterval.calibrate(best.true, best.predicted), scores, counts)


def _try(images: Iterable[MapsAndTruth], tried: list[CellSettings]) -> dict[CellSettings, _Sums]:
    """The counts of each of the settings.

    Those of one threshold share their regions; those that differ in no more than seed height and smallest area share their cuts.
    """
    sums = {settings: _Sums() for settings in tried}
    for maps, truth in images:
        regions = functools.cache(maps.regions)
        cuts: dict[tuple[float, ...], CutRegions | CutKinds] = {}
        for settings in tried:
            key = settings.threshold, settings.smoothing, settings.learned
            if key not in cuts:
                cuts[key] = regions(settings.threshold).cut(settings)
            sums[settings].add(*truth.scored(cuts[key].cells(settings)))
    return sums
