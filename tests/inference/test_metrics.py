"""Segmentation metrics against loops over pixels and cases computed by hand."""

import math

import numpy as np
import pytest

from minunet.inference.metrics import SegmentationMetrics


def naive(probability, target):
    """Every measure, pixel by pixel."""
    tp = fp = fn = tn = equal = 0
    loss = 0.0
    for p, t in zip(probability.ravel().tolist(), target.ravel().tolist(), strict=True):
        cell, said = t >= 0.5, p > 0.5
        tp += cell and said
        fp += said and not cell
        fn += cell and not said
        tn += not cell and not said
        equal += float(said) == t
        loss -= t * math.log(p) + (1 - t) * math.log(1 - p)
    n = probability.size
    return {
        "dice": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "accuracy": (tp + tn) / n,
        "keras_accuracy": equal / n,
        "baseline": (fp + tn) / n,
        "loss": loss / n,
    }


def batch(shape=(3, 5, 7, 1), grey=False, seed=0):
    rng = np.random.default_rng(seed)
    probability = rng.uniform(0.01, 0.99, shape).astype(np.float32)
    target = rng.uniform(0, 1, shape).astype(np.float32)
    sharp = (target > 0.6).astype(np.float32)
    return probability, np.where(rng.random(shape) < 0.5, target, sharp) if grey else sharp


@pytest.mark.parametrize("grey", [False, True])
def test_pooled_values_are_those_of_a_loop_over_all_pixels(grey):
    probability, target = batch(grey=grey)
    metrics = SegmentationMetrics()
    metrics.update(probability[:2], target[:2])
    metrics.update(probability[2:], target[2:])
    assert metrics.result() == pytest.approx(naive(probability, target), rel=1e-6)


@pytest.mark.parametrize("grey", [False, True])
def test_each_image_has_its_own_values_and_the_mean_weighs_them_alike(grey):
    probability, target = batch(grey=grey)
    metrics = SegmentationMetrics()
    metrics.update(probability, target, ["a", "b", "c"])
    rows = metrics.per_image()
    assert [row.pop("name") for row in rows] == ["a", "b", "c"]
    for row, p, t in zip(rows, probability, target, strict=True):
        assert row == pytest.approx(naive(p, t), rel=1e-6)
    assert metrics.mean() == pytest.approx({key: np.mean([row[key] for row in rows]) for key in rows[0]})
    assert len(metrics) == 3


def test_pieces_of_one_image_count_as_one_image():
    probability, target = batch((4, 5, 7, 1))
    metrics = SegmentationMetrics()
    metrics.update(probability[:2], target[:2], ["a", "b"])
    metrics.update(probability[2:], target[2:], ["a", "c"])
    first, *_ = metrics.per_image()
    assert len(metrics) == 3 and first.pop("name") == "a"
    assert first == pytest.approx(naive(probability[[0, 2]], target[[0, 2]]), rel=1e-6)


def test_logits_give_the_values_of_their_probabilities():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (2, 6, 4, 1)).astype(np.float32)
    target = (rng.random(logits.shape) < 0.4).astype(np.float32)
    by_logits, by_probability = SegmentationMetrics(), SegmentationMetrics()
    by_logits.update_logits(logits, target)
    by_probability.update(1 / (1 + np.exp(-logits.astype(np.float64))), target)
    assert by_logits.result() == pytest.approx(by_probability.result(), rel=1e-9)


def test_a_case_by_hand():
    predicted = np.array([[0.9, 0.9, 0.1, 0.1]])
    target = np.array([[1.0, 0.0, 1.0, 0.0]])
    metrics = SegmentationMetrics()
    metrics.update(predicted, target)
    assert metrics.result() == pytest.approx(
        {
            "dice": 0.5,
            "iou": 1 / 3,
            "precision": 0.5,
            "recall": 0.5,
            "accuracy": 0.5,
            "keras_accuracy": 0.5,
            "baseline": 0.5,
            "loss": -(2 * math.log(0.9) + 2 * math.log(0.1)) / 4,
        }
    )


def test_a_grey_target_never_counts_as_right_for_keras_but_does_once_binarised():
    metrics = SegmentationMetrics()
    metrics.update(np.array([[0.9, 0.9, 0.1]]), np.array([[0.8, 1.0, 0.2]]))
    assert metrics.result()["accuracy"] == 1.0
    assert metrics.result()["keras_accuracy"] == pytest.approx(1 / 3)


def test_halves_a_target_of_one_half_is_a_cell_a_probability_of_one_half_is_none():
    metrics = SegmentationMetrics()
    metrics.update(np.array([[0.5, 0.5]]), np.array([[0.5, 0.0]]))
    assert metrics.result()["recall"] == 0.0 and metrics.result()["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("probability", "target", "expected"),
    [
        (0.1, 0.0, {"dice": 1.0, "iou": 1.0, "precision": 1.0, "recall": 1.0, "accuracy": 1.0, "baseline": 1.0}),
        (0.1, 1.0, {"dice": 0.0, "iou": 0.0, "precision": 0.0, "recall": 0.0, "accuracy": 0.0, "baseline": 0.0}),
        (0.9, 0.0, {"dice": 0.0, "iou": 0.0, "precision": 0.0, "recall": 0.0, "accuracy": 0.0, "baseline": 1.0}),
        (0.9, 1.0, {"dice": 1.0, "iou": 1.0, "precision": 1.0, "recall": 1.0, "accuracy": 1.0, "baseline": 0.0}),
    ],
)
def test_empty_masks_and_predictions(probability, target, expected):
    metrics = SegmentationMetrics()
    metrics.update(np.full((1, 2, 2, 1), probability), np.full((1, 2, 2, 1), target))
    result = metrics.result()
    assert {key: result[key] for key in expected} == expected


def test_a_certain_and_wrong_probability_costs_a_finite_amount():
    metrics = SegmentationMetrics()
    metrics.update(np.array([[0.0, 1.0, 1.0]]), np.array([[1.0, 0.0, 1.0]]))
    assert metrics.result()["loss"] == pytest.approx(200 / 3)


def test_a_large_logit_costs_what_it_is_not_what_its_rounded_probability_would():
    metrics = SegmentationMetrics()
    metrics.update_logits(np.array([[1e4, -1e4, 30.0]], np.float32), np.array([[0.0, 1.0, 0.0]]))
    assert metrics.result()["loss"] == pytest.approx((1e4 + 1e4 + 30) / 3)


def test_wrong_shapes_and_no_images_are_refused():
    with pytest.raises(ValueError, match=r"prediction \(2, 3\) and target \(3, 2\) must have the same shape"):
        SegmentationMetrics().update(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="nothing to measure"):
        SegmentationMetrics().result()


@pytest.mark.parametrize("value", [255, -0.1, np.nan])
def test_targets_outside_0_to_1_are_refused(value):
    metrics = SegmentationMetrics()
    for update in (metrics.update, metrics.update_logits):
        with pytest.raises(ValueError, match=r"the target must lie in \[0, 1\]"):
            update(np.full((2, 2), 0.5), np.full((2, 2), value))
    assert len(metrics) == 0


def test_infinite_logits_are_certain_answers():
    metrics = SegmentationMetrics()
    metrics.update_logits(np.array([[np.inf, -np.inf]]), np.array([[1.0, 0.0]]))
    assert metrics.result()["loss"] == 0
