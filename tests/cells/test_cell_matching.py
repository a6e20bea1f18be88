"""Matching and its scores: worked by hand, and against loops that restate the definitions cell by cell."""

import numpy as np
import pytest

from minunet.cells.cell_matching import IOU_THRESHOLDS, match_cells
from minunet.cells.cell_scores import AP_NAMES, CellScores
from minunet.errors import UserError
from tests.cells.drawn_cells import random_labels


def cells_of(labels):
    return [labels == number for number in np.unique(labels[labels > 0])]


def iou(one, other):
    return np.logical_and(one, other).sum() / np.logical_or(one, other).sum()


def stardist_counts(truth, predicted, threshold):
    """TP, FP, FN and the sum of the IoU as stardist.matching defines them: an optimal assignment by linear programming."""
    from scipy.optimize import linear_sum_assignment

    scores = np.array([[iou(t, p) for p in cells_of(predicted)] for t in cells_of(truth)]).reshape(
        len(cells_of(truth)), len(cells_of(predicted))
    )
    costs = -(scores >= threshold).astype(float) - scores / (2 * max(1, min(scores.shape)))
    rows, columns = linear_sum_assignment(costs)
    good = scores[rows, columns] >= threshold
    tp = int(good.sum())
    return tp, scores.shape[1] - tp, scores.shape[0] - tp, scores[rows, columns][good].sum()


def aji(truth, predicted):
    """Kumar et al. 2017, algorithm 1."""
    shared = joined = 0
    used = set()
    found = cells_of(predicted)
    for cell in cells_of(truth):
        values = [iou(cell, other) for other in found]
        best = int(np.argmax(values)) if values and max(values) > 0 else None
        if best is None:
            joined += cell.sum()
            continue
        shared += (cell & found[best]).sum()
        joined += (cell | found[best]).sum()
        used.add(best)
    joined += sum(other.sum() for place, other in enumerate(found) if place not in used)
    return shared / joined if joined else 1.0


def several_parts(wholes, parts):
    return sum(
        sum((w & p).sum() > p.sum() / 2 and (w & p).sum() >= w.sum() / 10 for p in cells_of(parts)) >= 2
        for w in cells_of(wholes)
    )


@pytest.mark.parametrize("seed", range(12))
def test_scores_are_those_of_the_definitions(seed):
    rng = np.random.default_rng(seed)
    truth = random_labels(rng)
    predicted = (
        random_labels(rng) if seed % 3 == 0 else np.roll(truth, seed % 3, axis=1) * (rng.random(truth.shape) > 0.1)
    )
    if seed % 2:  # one cell cut in two, and two cells joined
        numbers = np.unique(truth[truth > 0])
        predicted = np.where((truth == numbers[0]) & (np.arange(30) % 2 == 0), 99, predicted)
        predicted[np.isin(truth, numbers[1:3])] = 77
    scores = CellScores()
    scores.update(truth, predicted, "image")
    values = scores.result()
    for threshold in IOU_THRESHOLDS:
        tp, fp, fn, total = stardist_counts(truth, predicted, threshold)
        assert values[AP_NAMES[threshold]] == pytest.approx(tp / (tp + fp + fn))
        if threshold == 0.5:
            assert values["cell_f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
            assert values["cell_precision"] == pytest.approx(tp / (tp + fp))
            assert values["cell_recall"] == pytest.approx(tp / (tp + fn))
            assert values["panoptic_quality"] == pytest.approx(total / (tp + fp / 2 + fn / 2))
    assert values["aji"] == pytest.approx(aji(truth, predicted))
    assert values["splits"] == several_parts(truth, predicted)
    assert values["merges"] == several_parts(predicted, truth)


def test_an_example_worked_by_hand():
    truth = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3, 3]])
    predicted = np.array([[5, 5, 5, 0, 0, 6, 6, 6, 0, 0]])
    scores = CellScores()
    scores.update(truth, predicted, "row")
    values = scores.result()
    # The IoU are 3/4 and 2/3; the third cell is missed.
    assert values["cell_f1"] == pytest.approx(4 / 5)
    assert values["ap_50"] == pytest.approx(2 / 3)
    assert values["ap_70"] == pytest.approx(1 / 4)
    assert values["ap_75"] == pytest.approx(1 / 4)
    assert values["ap_80"] == 0
    assert values["panoptic_quality"] == pytest.approx((3 / 4 + 2 / 3) / (2 + 1 / 2))
    assert values["aji"] == pytest.approx((3 + 2) / (4 + 3 + 2))
    assert values["count_error"] == pytest.approx(1 / 3)
    assert values["count_bias"] == pytest.approx(-1 / 3)
    assert values["count_bias_cells"] == -1


def test_splits_and_merges_are_counted_once_for_each_cell():
    truth = np.array([[1, 1, 1, 1, 1, 1, 0, 2, 2, 3, 3]])
    predicted = np.array([[1, 1, 2, 2, 3, 3, 0, 4, 4, 4, 4]])
    matching = match_cells(truth, predicted)
    assert (matching.splits(), matching.merges()) == (1, 1)


def test_two_pairs_at_exactly_one_half_count_once():
    matching = match_cells(np.array([[1, 2]]), np.array([[7, 7]]))
    assert len(matching.matched(0.5)) == 1
    with pytest.raises(ValueError, match="give 0.5 or more"):
        matching.matched(0.4)


@pytest.mark.parametrize(("truth", "predicted", "expected"), [(0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1)])
def test_images_without_cells(truth, predicted, expected):
    scores = CellScores()
    scores.update(np.full((4, 5), truth), np.full((4, 5), predicted), "image")
    values = scores.result()
    assert {values[name] for name in ("cell_f1", "ap_50", "ap_90", "panoptic_quality", "aji")} == {expected}


def test_images_are_pooled_and_errors_of_the_count_averaged():
    scores = CellScores()
    scores.update(np.array([[1, 0, 2, 0]]), np.array([[1, 0, 0, 0]]), "a")
    scores.update(np.array([[1, 0, 0, 0]]), np.array([[1, 0, 2, 0]]), "b")
    values = scores.result()
    assert values["cell_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert values["count_error"] == pytest.approx((1 / 2 + 1) / 2)
    assert values["count_bias"] == pytest.approx((-1 / 2 + 1) / 2)
    assert scores.per_image()["a"]["count_error"] == 0.5
    assert len(scores) == 2


def test_large_numbers_of_labels_are_read_as_they_are():
    truth = np.array([[10**9, 10**9, 0, 4]])
    matching = match_cells(truth, np.array([[1, 1, 0, 2]]))
    assert list(matching.iou) == [1, 1]
    assert list(matching.true_areas) == [1, 2]


def test_images_of_two_sizes_are_refused():
    with pytest.raises(UserError, match="of one size"):
        match_cells(np.zeros((3, 4), int), np.zeros((4, 3), int))


def test_no_images_at_all():
    with pytest.raises(ValueError, match="no images"):
        CellScores().result()
