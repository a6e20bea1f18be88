"""Cell matching: which cell of a prediction is which cell of the truth, by their intersection over union.

Two images of labels, (H, W) integers with 0 for background, are compared once, pixel by pixel; scores follow from the overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.cell_numbers import without_gaps
from minunet.errors import UserError

IOU_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
CONTAINED = 0.5  # a cell lies in another one where more than this share of it does
PART = 0.1  # and it is a part of the other one where it covers at least this share of that


@dataclass(frozen=True)
class CellMatching:
    """The overlaps of true and predicted cells.

    Attributes
    ----------
    true_areas, predicted_areas : ndarray, (T,) and (P,)
        In pixels.
    true, predicted, overlap : ndarray, (K,)
        Each pair of cells that share pixels: the place of each in its list of areas, and the number of pixels they share.
    iou : ndarray, (K,)
        Of each pair: shared pixels / pixels of either.
    """

    true_areas: np.ndarray
    predicted_areas: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    overlap: np.ndarray
    iou: np.ndarray

    def matched(self, threshold: float) -> np.ndarray:
        """The pairs (places in `iou`) that are the same cell: an IoU of at least `threshold`, each cell in one pair at most.

        From 0.5 on, a cell can have an IoU above the threshold with one other cell only, since cells do not overlap [1]_. At
        exactly 0.5 there may be two; then the first counts.

        References
        ----------
        .. [1] Kirillov, A. et al. (2019). Panoptic segmentation. CVPR, section 4.1.
        """
        if threshold < 0.5:
            raise ValueError(f"a threshold of {threshold} does not make pairs unique; give 0.5 or more")
        (places,) = np.nonzero(self.iou >= threshold)
        places = places[np.argsort(-self.iou[places], kind="stable")]
        for cells in (self.true, self.predicted):
            places = places[np.sort(np.unique(cells[places], return_index=True)[1])]
        return np.sort(places)

    def splits(self) -> int:
        """The true cells that were cut: two or more predicted cells lie in them, each of which covers a tenth or more."""
        return _with_several_parts(
            self.true, self.overlap / self.predicted_areas[self.predicted], self.overlap / self.true_areas[self.true]
        )

    def merges(self) -> int:
        """The predicted cells that are several: two or more true cells lie in them, each of which covers a tenth or more."""
        return _with_several_parts(
            self.predicted,
            self.overlap / self.true_areas[self.true],
            self.overlap / self.predicted_areas[self.predicted],
        )

    def aggregated(self) -> tuple[int, int]:
        """The two sums of the aggregated Jaccard index, which is their quotient (Kumar et al. 2017, algorithm 1).

        Each true cell is paired with the predicted cell of the largest IoU. The first sum is that of their intersections, the
        second that of their unions, of the true cells that nothing overlaps, and of the predicted cells in no pair.
        """
        order = np.lexsort((-self.iou, self.true))  # by true cell, then the largest IoU first
        best = order[np.unique(self.true[order], return_index=True)[1]]
        shared = int(self.overlap[best].sum())
        true_sum, predicted_sum = int(self.true_areas.sum()), int(self.predicted_areas[self.predicted[best]].sum())
        unused = np.ones(len(self.predicted_areas), bool)
        unused[self.predicted[best]] = False
        return shared, true_sum + predicted_sum - shared + int(self.predicted_areas[unused].sum())


def match_cells(truth: np.ndarray, predicted: np.ndarray) -> CellMatching:
    """Compare two images of labels.

    Parameters
    ----------
    truth, predicted : ndarray, (H, W)
        Whole numbers, 0 for background. The numbers of cells may have gaps.

    Raises
    ------
    UserError
        If they are not of the same size.
    """
    if truth.shape != predicted.shape or truth.ndim != 2:
        raise UserError(
            f"labels of {truth.shape} and {predicted.shape} cannot be compared: give two images (H, W) of one size."
        )
    true_of, true_areas = without_gaps(truth)
    predicted_of, predicted_areas = without_gaps(predicted)
    both = (true_of > 0) & (predicted_of > 0)
    pairs = (true_of[both] - 1) * max(1, len(predicted_areas)) + predicted_of[both] - 1
    if len(true_areas) * len(predicted_areas) <= 16 * truth.size:  # quicker than to sort all pixels
        counts = np.bincount(pairs)
        (pair,) = np.nonzero(counts)
        overlap = counts[pair]
    else:
        pair, overlap = np.unique(pairs, return_counts=True)
    true, cell = np.divmod(pair, max(1, len(predicted_areas)))
    iou = overlap / (true_areas[true] + predicted_areas[cell] - overlap)
    return CellMatching(true_areas, predicted_areas, true, cell, overlap, iou)


def _with_several_parts(whole: np.ndarray, contained: np.ndarray, share: np.ndarray) -> int:
    parts = whole[(contained > CONTAINED) & (share >= PART)]
    return int(np.count_nonzero(np.bincount(parts) >= 2)) if len(parts) else 0
