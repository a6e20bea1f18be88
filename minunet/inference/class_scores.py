"""Class scores: Dice and IoU of the pixels of each class, over all images together.

    Dice = 2 TP / (2 TP + FP + FN)        IoU = TP / (TP + FP + FN)

where TP are the pixels of the class that were predicted so, FP those of other classes that were predicted as it, and FN those
that were predicted as another one. A class that is neither in the masks nor in the predictions has no score, and is in no mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

ClassRow = dict[str, float | int | None]


class ClassScores:
    """Adds up the pixels of images.

    Parameters
    ----------
    names : sequence of str
        Of the classes, the background first.

    Attributes
    ----------
    confusion : ndarray of int64, (K, K)
        Pixels by their true class (row) and their predicted class (column).

    Examples
    --------
    >>> scores = ClassScores(["background", "red"])
    >>> scores.update(np.array([0, 0, 1, 1]), np.array([0, 1, 1, -1]))
    >>> round(scores.result()["red"]["dice"], 3)
    0.667
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.confusion = np.zeros((len(self.names), len(self.names)), np.int64)

    def update(self, predicted: np.ndarray, truth: np.ndarray) -> None:
        """Add an image or a batch: two arrays of indices of the same shape; where the truth is negative a pixel is ignored."""
        if predicted.shape != truth.shape:
            raise ValueError(f"predicted {predicted.shape} and true classes {truth.shape} must have the same shape")
        count = len(self.names)
        counted = truth >= 0
        pairs = truth[counted].astype(np.int64) * count + predicted[counted]
        self.confusion += np.bincount(pairs, minlength=count * count).reshape(count, count)

    def result(self) -> dict[str, ClassRow]:
        """By the name of each class its scores, None for a class that is nowhere, and its pixels in the masks and predictions."""
        rows: dict[str, ClassRow] = {}
        for place, name in enumerate(self.names):
            both = int(self.confusion[place, place])
            true, predicted = int(self.confusion[place].sum()), int(self.confusion[:, place].sum())
            somewhere = true + predicted > 0
            rows[name] = {
                "dice": 2 * both / (true + predicted) if somewhere else None,
                "iou": both / (true + predicted - both) if somewhere else None,
                "true_pixels": true,
                "predicted_pixels": predicted,
            }
        return rows

    def mean_dice(self) -> float | None:
        """The mean Dice of the classes other than the background; None where there is none of them."""
        found = [row["dice"] for name, row in self.result().items() if name != self.names[0]]
        known = [dice for dice in found if dice is not None]
        return fmean(known) if known else None
