"""Metrics of segmentation: how well probabilities match masks, over all pixels together and for each image.

A pixel is predicted as cell where its probability is above 0.5, and it is cell where its target is at least 0.5. TP, FP, FN and TN
are counts of pixels:

    dice = 2 TP / (2 TP + FP + FN)      iou = TP / (TP + FP + FN)      accuracy = (TP + TN) / all
    precision = TP / (TP + FP)          recall = TP / (TP + FN)        baseline = (FP + TN) / all, the accuracy of
                                                                       a prediction of background everywhere
    keras_accuracy = mean(predicted == target), with the target as it is: a grey target (neither 0 nor 1) is never equal
    loss = mean(-target log p - (1 - target) log(1 - p)), binary cross-entropy in nats

Where prediction and target are both empty, dice, iou, precision and recall are 1. Where only one is empty, 0 / 0 is 0.
Pixels whose target is -1 (`minunet.data.reading.preprocessing.IGNORED`) are in none of these numbers. An image without any other
pixel is in no mean over images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from minunet.data.reading.preprocessing import IGNORED
from minunet.kernels.plain_array import plain
from minunet.kernels.primitives.loss import bce_elements

# Logs of probabilities are clamped here, as in the loss itself, so that p = 0 costs a finite amount.
LOG_FLOOR = -100.0
THRESHOLD = 0.5


@dataclass
class ConfusionCounts:
    """Pixel counts of a prediction against a binary target."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def __add__(self, other: ConfusionCounts) -> ConfusionCounts:
        return ConfusionCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )

    @classmethod
    def of(cls, predicted: np.ndarray, actual: np.ndarray) -> ConfusionCounts:
        """Count two boolean arrays of the same shape."""
        both = int(np.count_nonzero(predicted & actual))
        positive, cells = int(np.count_nonzero(predicted)), int(np.count_nonzero(actual))
        return cls(both, positive - both, cells - both, actual.size - positive - cells + both)

    @classmethod
    def over_counted(cls, predicted: np.ndarray, target: np.ndarray) -> ConfusionCounts:
        """Count a boolean prediction against a target in [0, 1] of the same shape, without the pixels that are ignored."""
        counted = target >= 0
        if counted.all():
            return cls.of(predicted, target >= THRESHOLD)
        return cls.of(predicted[counted], target[counted] >= THRESHOLD)

    @property
    def pixels(self) -> int:
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def dice(self) -> float:
        return self._ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def iou(self) -> float:
        return self._ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)

    @property
    def precision(self) -> float:
        return self._ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        return self._ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def accuracy(self) -> float:
        return (self.true_positive + self.true_negative) / self.pixels if self.pixels else 1.0

    @property
    def baseline(self) -> float:
        return (self.false_positive + self.true_negative) / self.pixels if self.pixels else 1.0

    def _ratio(self, part: int, whole: int) -> float:
        if self.true_positive + self.false_positive + self.false_negative == 0:
            return 1.0
        return part / whole if whole else 0.0


@dataclass
class _Sums:
    """The sums over the pixels of one image, or of several."""

    overlap: ConfusionCounts = field(default_factory=ConfusionCounts)
    equal: int = 0  # pixels where the rounded prediction equals the target as it is
    loss: float = 0.0  # sum over the pixels

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(self.overlap + other.overlap, self.equal + other.equal, self.loss + other.loss)

    def values(self) -> dict[str, float]:
        overlap = self.overlap
        return {
            "dice": overlap.dice,
            "iou": overlap.iou,
            "precision": overlap.precision,
            "recall": overlap.recall,
            "accuracy": overlap.accuracy,
            "keras_accuracy": self.equal / overlap.pixels if overlap.pixels else 1.0,
            "baseline": overlap.baseline,
            "loss": self.loss / max(1, overlap.pixels),
        }


def count_examples(masks: np.ndarray) -> int:
    """The number of targets (N, H, W, 1) that have a pixel which is not ignored."""
    return int((masks >= 0).reshape(len(masks), -1).any(axis=1).sum())


def trivial_dice(cells: float) -> float:
    """The Dice of the better of the two trivial answers, which need no image: everything cell, and everything background.

    Parameters
    ----------
    cells : float
        The share of pixels that are cell, f. Everything cell has 2 f / (1 + f); everything background has 0, or 1 without cells.

    Examples
    --------
    >>> trivial_dice(0.5), trivial_dice(0.0)
    (0.6666666666666666, 1.0)
    """
    return 2 * cells / (1 + cells) if cells > 0 else 1.0


def trivial_accuracy(cells: float) -> float:
    """The accuracy of the better of the two trivial answers, for a share of cells as in `trivial_dice`.

    Examples
    --------
    >>> trivial_accuracy(0.25), trivial_accuracy(0.75)
    (0.75, 0.75)
    """
    return max(cells, 1 - cells)


class SegmentationMetrics:
    """Adds up predictions batch by batch, and gives the measures of all of them.

    Parameters
    ----------
    threshold : float
        From 0 to 1; a pixel is predicted as cell where its probability is above it.

    Attributes
    ----------
    logit_threshold : float
        The logit of that probability.

    Examples
    --------
    >>> metrics = SegmentationMetrics()
    >>> metrics.update(np.array([[0.9, 0.2]]), np.array([[1.0, 1.0]]))
    >>> round(metrics.result()["dice"], 4)
    0.6667
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._scores: dict[str, _Sums] = {}
        self.threshold = threshold
        with np.errstate(divide="ignore"):
            self.logit_threshold = float(np.log(threshold) - np.log1p(-threshold))  # -inf for 0, inf for 1

    def update(self, probability: np.ndarray, target: np.ndarray, names: Sequence[str] | None = None) -> None:
        """Add a batch of probabilities.

        Parameters
        ----------
        probability, target : ndarray
            Values in [0, 1], both (N, H, W, 1), or one image as (H, W). A target of -1 is ignored.
        names : sequence of str, optional
            The names of the images in `per_image`, by default their numbers. Crops with the same name count as one image.

        Raises
        ------
        ValueError
            If the shapes differ, or the target is not in [0, 1].
        """
        probability, target = self._batch(probability, target)
        p = probability.astype(np.float64)
        t = np.maximum(target, 0).astype(np.float64)
        with np.errstate(divide="ignore"):
            loss = -(t * np.maximum(np.log(p), LOG_FLOOR) + (1 - t) * np.maximum(np.log1p(-p), LOG_FLOOR))
        self._add(probability > self.threshold, target, loss, names)

    def update_logits(self, logits: np.ndarray, target: np.ndarray, names: Sequence[str] | None = None) -> None:
        """Add a batch of logits. The loss is exact also where the probability would be rounded to 0 or 1.

        The arguments are those of `update`, with logits in place of probabilities. The loss is
        `max(x, 0) - x t + log(1 + exp(-|x|))`.
        """
        logits, target = self._batch(logits, target)
        x = logits.astype(np.float64)
        loss = bce_elements(x, np.maximum(target, 0))
        self._add(logits > self.logit_threshold, target, loss, names)

    def sums(self) -> dict[str, _Sums]:
        """What has been added up for each image, for `add`."""
        return dict(self._scores)

    def add(self, name: str, sums: _Sums) -> None:
        """Add what another object has added up for an image, or for a part of it."""
        self._scores[name] = self._scores.get(name, _Sums()) + sums

    def __len__(self) -> int:
        return len(self._scores)

    def extend(self, other: SegmentationMetrics) -> None:
        """Add the images of other metrics behind these."""
        for name, added in other._scores.items():
            self._scores[name] = self._scores.get(name, _Sums()) + added

    def result(self) -> dict[str, float]:
        """Every measure over the pixels of all images together, so that a large image has more weight than a small one.

        Raises
        ------
        ValueError
            Before the first update.
        """
        self._check_not_empty()
        return sum(self._scores.values(), _Sums()).values()

    def mean(self) -> dict[str, float]:
        """Every measure as a mean over the images, each with the same weight."""
        self._check_not_empty()
        rows = [score.values() for score in self._scores.values() if score.overlap.pixels]
        rows = rows or [_Sums().values()]
        return {key: sum(row[key] for row in rows) / len(rows) for key in rows[0]}

    def per_image(self) -> list[dict[str, float | str]]:
        """One dictionary for each image in their order: its name, then every measure.

        An image of which every pixel is ignored has the values of a perfect prediction.
        """
        return [{"name": name, **score.values()} for name, score in self._scores.items()]

    def _check_not_empty(self) -> None:
        if not self._scores:
            raise ValueError("no images were given to update(), so there is nothing to measure")

    @staticmethod
    def _batch(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        prediction, target = np.asarray(plain(prediction)), np.asarray(plain(target))
        if prediction.shape != target.shape:
            raise ValueError(f"prediction {prediction.shape} and target {target.shape} must have the same shape")
        counted = target != IGNORED
        low, high = np.min(target, where=counted, initial=0), np.max(target, where=counted, initial=0)
        if not (low >= -1e-5 and high <= 1 + 1e-5):  # NaN fails too
            raise ValueError(f"the target must lie in [0, 1], got values from {low} to {high}")
        if prediction.ndim == 2:
            return prediction[None], target[None]  # (H, W) -> (1, H, W)
        return prediction, target

    def _add(self, predicted: np.ndarray, target: np.ndarray, loss: np.ndarray, names: Sequence[str] | None) -> None:
        first = len(self._scores)
        names = [str(first + place) for place in range(len(target))] if names is None else names
        for name, image, truth, losses in zip(names, predicted, target, loss, strict=True):
            counted = truth != IGNORED
            if not counted.all():
                image, truth, losses = image[counted], truth[counted], losses[counted]
            equal = int(np.count_nonzero(image == truth))
            self.add(name, _Sums(ConfusionCounts.of(image, truth >= THRESHOLD), equal, float(losses.sum())))
