"""Cell scores: how well the cells of predictions agree with those of masks, for all images together and for each.

TP is the number of pairs with an IoU of at least a threshold, FP that of the predicted cells without a partner, FN that of the true
cells without one:

    F1 = 2 TP / (2 TP + FP + FN)                                          at IoU 0.5 unless another is named
    AP = TP / (TP + FP + FN)                                              as StarDist and the Data Science Bowl 2018 define it
    panoptic quality = (sum of the IoU of the pairs) / (TP + FP/2 + FN/2) at IoU 0.5; Kirillov et al. 2019
    AJI = aggregated Jaccard index                                        Kumar et al. 2017, see `CellMatching.aggregated`
    count error = mean of |predicted - true| / true, count bias = mean of (predicted - true) / true, over the images
    splits, merges = true cells in several pieces, predicted cells that are several; see `CellMatching`
    border distance = mean distance in pixels from the border of one to the border of the other, both ways

Where there are cells neither in the truth nor in the prediction, F1, AP, panoptic quality and AJI are 1.

References
----------
Schmidt, U. et al. (2018). Cell detection with star-convex polygons. MICCAI.
Kirillov, A. et al. (2019). Panoptic segmentation. CVPR.
Kumar, N. et al. (2017). A dataset and a technique for generalized nuclear segmentation. IEEE Trans. Med. Imaging 36(7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from minunet.cells.border_distance import BorderDistance, border_distance
from minunet.cells.cell_matching import IOU_THRESHOLDS, match_cells

AP_NAMES = {threshold: f"ap_{100 * threshold:.0f}" for threshold in IOU_THRESHOLDS}


@dataclass(frozen=True)
class CellCounts:
    """The counts of one image, from which its scores follow, or their sums over several."""

    true: int
    predicted: int
    matched: tuple[int, ...]  # TP at each of IOU_THRESHOLDS
    iou_sum: float  # of the pairs at 0.5
    shared: int  # pixels, of the aggregated Jaccard index
    joined: int
    splits: int
    merges: int
    borders: BorderDistance

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray) -> CellCounts:
        """Compare the labels (H, W) of one image."""
        matching = match_cells(truth, predicted)
        pairs = [matching.matched(threshold) for threshold in IOU_THRESHOLDS]
        return cls(
            len(matching.true_areas),
            len(matching.predicted_areas),
            tuple(map(len, pairs)),
            float(matching.iou[pairs[0]].sum()),
            *matching.aggregated(),
            matching.splits(),
            matching.merges(),
            border_distance(truth, predicted),
        )

    @classmethod
    def sum(cls, images: Sequence[CellCounts]) -> CellCounts:
        """The counts of several images together."""
        return cls(
            sum(image.true for image in images),
            sum(image.predicted for image in images),
            tuple(map(sum, zip(*(image.matched for image in images), strict=True))),
            sum(image.iou_sum for image in images),
            sum(image.shared for image in images),
            sum(image.joined for image in images),
            sum(image.splits for image in images),
            sum(image.merges for image in images),
            BorderDistance.sum([image.borders for image in images]),
        )

    def values(self) -> dict[str, float | int | None]:
        """Every score that follows from the counts."""
        pairs = self.matched[0]
        values: dict[str, float | int | None] = {
            "true_cells": self.true,
            "predicted_cells": self.predicted,
            "cell_f1": _ratio(2 * pairs, self.true + self.predicted),
            "cell_precision": _ratio(pairs, self.predicted, empty=self.true == 0),
            "cell_recall": _ratio(pairs, self.true, empty=self.predicted == 0),
        }
        for threshold, matched in zip(IOU_THRESHOLDS, self.matched, strict=True):
            values[AP_NAMES[threshold]] = _ratio(matched, self.true + self.predicted - matched)
        values["panoptic_quality"] = _ratio(self.iou_sum, (self.true + self.predicted) / 2)
        values["aji"] = _ratio(self.shared, self.joined)
        values |= {"splits": self.splits, "merges": self.merges, "border_distance_px": self.borders.mean}
        return values


class CellScores:
    """Adds up images, and gives the scores of all of them.

    Examples
    --------
    >>> scores = CellScores()
    >>> scores.update(np.array([[1, 1, 0, 2]]), np.array([[1, 1, 0, 0]]), "smear")
    >>> round(scores.result()["cell_f1"], 3)
    0.667
    """

    def __init__(self) -> None:
        self.images: dict[str, CellCounts] = {}

    def update(self, truth: np.ndarray, predicted: np.ndarray, name: str) -> None:
        """Add an image: two arrays of labels (H, W), 0 for background.

        Raises
        ------
        UserError
            If they are not of the same size.
        """
        self.images[name] = CellCounts.of(truth, predicted)

    def __len__(self) -> int:
        return len(self.images)

    def result(self) -> dict[str, float | int | None]:
        """Every score over the cells of all images together; errors of the count as means over the images."""
        if not self.images:
            raise ValueError("no images were given to update(), so there is nothing to measure")
        counts = [*self.images.values()]
        errors = [(image.predicted - image.true) / max(1, image.true) for image in counts]
        return {
            **CellCounts.sum(counts).values(),
            "count_error": fmean(map(abs, errors)),
            "count_bias": fmean(errors),
            "count_error_cells": fmean(abs(image.predicted - image.true) for image in counts),
            "count_bias_cells": fmean(image.predicted - image.true for image in counts),
        }

    def class_row(self) -> dict[str, float | int | None]:
        """What a table of classes shows of these cells, if they are those of one class: their numbers, F1 and count error.

        The scores of a class that is nowhere are None. The count error is the sum of the errors of all images, without their signs,
        over the true number of cells, so that images without the class do no harm.
        """
        counts = [*self.images.values()]
        true, found = sum(image.true for image in counts), sum(image.predicted for image in counts)
        error = sum(abs(image.predicted - image.true) for image in counts)
        return {
            "true_cells": true,
            "predicted_cells": found,
            "cell_f1": self.result()["cell_f1"] if true or found else None,
            "count_error": error / true if true else None,
        }

    def per_image(self) -> dict[str, dict[str, float | int | None]]:
        """The scores of each image by its name, in their order."""
        return {
            name: {**image.values(), "count_error": abs(image.predicted - image.true) / max(1, image.true)}
            for name, image in self.images.items()
        }


def _ratio(part: float, whole: float, empty: bool = True) -> float:
    """part / whole; where there is nothing to divide by, 1 if nothing was there to be found and else 0."""
    return part / whole if whole else float(empty)
