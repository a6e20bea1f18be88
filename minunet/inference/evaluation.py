"""Evaluation: the scores of a trained model on images whose masks are known.

Images are scored at the size at which the model works, as in training, or at their own size, which is what a user gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.resize import resize_probability
from minunet.data.reading.stored_mask import StoredMask
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import THRESHOLD, SegmentationMetrics
from minunet.inference.predicted_maps import PredictedMaps


def evaluate(
    model: LoadedModel,
    pairs: Sequence[Pair],
    *,
    native: bool = False,
    batch_size: int = 8,
    progress: ProgressCallback | None = None,
    observe: Callable[[Pair, np.ndarray, float, float | None], object] | None = None,
    observe_cells: Callable[[Pair, StoredMask, PredictedMaps], object] | None = None,
    diameter: float | None = None,
    threshold: float = THRESHOLD,
) -> SegmentationMetrics:
    """Score a model on pairs of images and masks.

    Parameters
    ----------
    model : LoadedModel
    pairs : sequence of Pair
        Checked, so that every file can be read.
    native : bool
        False: images and masks go through the model's preprocessing, and the prediction is scored at that size. True: the
        prediction is resized to the image's own size and scored there, against the mask as it is (binarised, for a model of
        binary masks).
    batch_size : int
        Images predicted together at most, where they share their size.
    progress : callable, optional
        Called with the number of images done, and of all.
    observe : callable, optional
        Called with each pair, its decoded image, the share of its pixels that the model calls cell, and the cell diameter by
        which it was resized, in its own pixels (None where it was not).
    observe_cells : callable, optional
        Called with each pair, its mask as it is stored, and what is predicted, at the image's own size.
    diameter : float, optional
        Of the cells in all images, as for `LoadedModel.predict`; images that are resized by it are scored at their own size.
    threshold : float
        A pixel is predicted as cell where its probability is above it.

    Returns
    -------
    SegmentationMetrics
        The images under their pairs' names, in order.
    """
    metrics = SegmentationMetrics(threshold)
    for first in range(0, len(pairs), batch_size):
        batch = pairs[first : first + batch_size]
        if is_scored_alone(model, native=native, diameter=diameter):
            for pair in batch:
                image, mask = read_image(pair), read_mask(pair)
                settled = _settled(model, pair, image, diameter)
                maps = _score_native(model, pair, image, mask, metrics, settled)
                if observe:
                    observe(pair, image, float(np.mean(maps.probability > threshold)), settled)
                if observe_cells:
                    observe_cells(pair, mask, maps)
                if progress:
                    progress(len(metrics), len(pairs))
            continue
        images, masks = [read_image(pair) for pair in batch], [read_mask(pair) for pair in batch]
        inputs = np.stack([_input(model, pair, image) for pair, image in zip(batch, images, strict=True)])
        targets = np.stack([model.preprocessing.target(mask) for mask in masks])
        outputs = model.output_logits(inputs)  # (N, h, w, channels)
        logits = model.outputs.cell_logits(outputs)
        metrics.update_logits(logits, targets, [pair.name for pair in batch])
        if observe:
            for pair, image, values in zip(batch, images, logits, strict=True):
                observe(pair, image, float(np.mean(values > metrics.logit_threshold)), None)
        if observe_cells:
            for pair, image, mask, stacked in zip(batch, images, masks, model.maps_of(outputs), strict=True):
                observe_cells(pair, mask, PredictedMaps.of(resize_probability(stacked, image.shape[:2]), model.outputs))
        if progress:
            progress(len(metrics), len(pairs))
    return metrics


def is_scored_alone(model: LoadedModel, *, native: bool, diameter: float | None) -> bool:
    """Whether images are scored one by one, at their own size, and not together at that of the model's input."""
    return native or model.preprocessing.size is None or diameter is not None


class PredictedPair(NamedTuple):
    """A pair with what a model predicts of it, all at the image's own size.

    Attributes
    ----------
    image : ndarray, (H, W) or (H, W, C)
    mask : ndarray, (H, W, 1)
    probability : ndarray, (H, W)
    classes : pair of ndarray, (H, W, 3) uint8, or None
        The true and the predicted classes in their colours; None without classes.
    threshold : float
        A pixel of a higher probability is cell.
    """

    image: np.ndarray
    mask: np.ndarray
    probability: np.ndarray
    classes: tuple[np.ndarray, np.ndarray] | None
    threshold: float = THRESHOLD


def predict_pair(
    model: LoadedModel, pair: Pair, diameter: float | None = None, threshold: float = THRESHOLD
) -> PredictedPair:
    """Predict the image of a pair."""
    image, stored = read_image(pair), read_mask(pair)
    maps, reading, legend = model.predict_outputs(image, diameter), model.preprocessing.reading, model.legend
    classes = None
    index = maps.classes_above(threshold)
    if legend is not None and index is not None and reading is not None and reading.classes:
        truth = np.maximum(reading.class_index(stored), 0)  # what is ignored is shown as background
        classes = legend.colours[truth], legend.colours[index]
    return PredictedPair(image, native_target(model, stored), maps.probability, classes, threshold)


def native_target(model: LoadedModel, mask: StoredMask) -> np.ndarray:
    """The mask at its own size, (H, W, 1)."""
    return model.preprocessing.at_own_size().target(mask)


def _score_native(
    model: LoadedModel,
    pair: Pair,
    image: np.ndarray,
    mask: StoredMask,
    metrics: SegmentationMetrics,
    diameter: float | None,
) -> PredictedMaps:
    """Add the scores of an image; returns what is predicted, at its own size."""
    target = native_target(model, mask)
    if model.preprocessing.size is None and model.preprocessing.scale is None and diameter is None:
        outputs = model.output_logits(_input(model, pair, image)[None])
        metrics.update_logits(model.outputs.cell_logits(outputs), target[None], [pair.name])
        return PredictedMaps.of(model.maps_of(outputs)[0], model.outputs)
    maps = model.predict_outputs(image, diameter)
    metrics.update(maps.probability[None, ..., None], target[None], [pair.name])
    return maps


def _settled(model: LoadedModel, pair: Pair, image: np.ndarray, diameter: float | None) -> float | None:
    """The cell diameter of an image, for `_score_native`."""
    with _named(pair):
        settled = model.settled_diameter(image, diameter)
        model.fitted((image.shape[0], image.shape[1]), settled)
    return settled


def _input(model: LoadedModel, pair: Pair, image: np.ndarray) -> np.ndarray:
    with _named(pair):
        return model.preprocessing.image(image)


@contextmanager
def _named(pair: Pair) -> Iterator[None]:
    """What is wrong with an image gets its path; it may lack a channel, or be too small for the diameter."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{pair.image}: {problem}" for problem in error.problems) from error
