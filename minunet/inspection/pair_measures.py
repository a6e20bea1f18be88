"""Pair measures: the measures of the image and the mask of a pair, both decoded once, some pairs at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.class_cells import cells_by_class
from minunet.data.components import label_components
from minunet.data.finding.matching import Pair
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.mask_classes import outermost
from minunet.data.reading.pair_files import read_pair
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.errors import UserError
from minunet.inspection.image_measures import ImageMeasures, measure_values
from minunet.inspection.mask_measures import MaskMeasures, measure_target


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """A pair as training sees it before it is resized.

    Attributes
    ----------
    pair : Pair
    channels : int
        Of the image as it is stored, without a channel of transparency.
    values : ndarray, (H, W, C) float32 in [0, 1]
        Of the image.
    stored : StoredMask
    target : ndarray, (H, W, 1) float32
        Of the mask: 0 to 1, or `IGNORED`.
    labels : ndarray, (H, W) int32, or None
        The number of each cell, where the mask stores them or shows classes.
    classes : ndarray of int, (K,), or None
        The number of cells of each class, where the mask shows classes.
    """

    pair: Pair
    channels: int
    values: np.ndarray
    stored: StoredMask
    target: np.ndarray
    labels: np.ndarray | None
    classes: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PairMeasures:
    """The measures of a pair.

    Attributes
    ----------
    pair : Pair
    size : (width, height)
        In pixels.
    channels : int
        See `PreparedPair`.
    image : ImageMeasures
    mask : MaskMeasures
    """

    pair: Pair
    size: tuple[int, int]
    channels: int
    image: ImageMeasures
    mask: MaskMeasures


def prepare_pair(pair: Pair, preprocessing: Preprocessing) -> PreparedPair:
    """Decode a pair and prepare it at its own size.

    Raises
    ------
    UserError
        Where a file can't be read, or the sizes of image and mask differ.
    """
    image, stored = read_pair(pair)
    own_size = preprocessing.at_own_size()
    reading = preprocessing.reading
    labels: np.ndarray | None = None
    classes: np.ndarray | None = None
    if reading is not None and reading.classes:
        cells = cells_by_class(reading.class_index(stored), outermost(reading.classes), label_components)
        labels, classes = cells.labels, np.bincount(cells.classes[1:], minlength=len(reading.classes))
    elif reading is not None:
        labels = reading.labels(stored)
    channels = 1 if image.ndim == 2 else image.shape[2]
    return PreparedPair(pair, channels, own_size.values(image), stored, own_size.target(stored), labels, classes)


def measure_prepared(prepared: PreparedPair, preprocessing: Preprocessing) -> PairMeasures:
    """Measure a pair for a training with this preprocessing, whose size is that of the network's input."""
    height, width = prepared.values.shape[:2]
    mask = measure_target(prepared.stored, prepared.target, prepared.labels, preprocessing, prepared.classes)
    return PairMeasures(prepared.pair, (width, height), prepared.channels, measure_values(prepared.values), mask)


def inspect_pairs(
    pairs: Sequence[Pair],
    preprocessing: Preprocessing,
    *,
    keep: Callable[[PreparedPair], object] | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[list[PairMeasures], list[str]]:
    """Decode and measure pairs, each once, on several threads; no more pictures are in memory than there are threads.

    Parameters
    ----------
    pairs : sequence of Pair
    preprocessing : Preprocessing
        Of the training.
    keep : callable or None
        Called with each prepared pair, on the thread that decoded it: to write it somewhere.
    progress : callable or None
        Called as `progress(pairs done, pairs in all)`.

    Returns
    -------
    measures : list of PairMeasures
        Of the pairs that can be read, in their order.
    problems : list of str
        Of the others.
    """

    def inspect(pair: Pair) -> PairMeasures | UserError:
        try:
            prepared = prepare_pair(pair, preprocessing)
        except UserError as error:
            return error
        if keep is not None:
            keep(prepared)
        return measure_prepared(prepared, preprocessing)

    results = map_files(inspect, pairs, progress)
    problems = [problem for result in results if isinstance(result, UserError) for problem in result.problems]
    return [result for result in results if not isinstance(result, UserError)], problems
