"""The limits that masks set, against numbers worked out by hand and against predictions."""

import math

import numpy as np
import pytest

from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import SegmentationMetrics


def test_limits_of_a_few_pixels_by_hand():
    targets = [np.array([[0.0, 0.0], [0.5, 1.0]], np.float32), np.array([[0.25, 0.75]], np.float32)]
    limits = MaskLimits.of(targets)
    quarter = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert limits.loss_floor == pytest.approx((math.log(2) + 2 * quarter) / 6)
    assert limits.keras_accuracy_ceiling == pytest.approx(3 / 6)
    assert limits.keras_baseline == pytest.approx(2 / 6)
    assert limits.foreground == pytest.approx(3 / 6)


def test_black_and_white_masks_set_no_limits():
    masks = [np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])]
    assert MaskLimits.of(masks) == MaskLimits(0.0, 1.0, 0.25, 0.75)


def test_no_masks_are_refused():
    with pytest.raises(ValueError, match="there are no limits"):
        MaskLimits.of([])


def test_the_best_prediction_of_grey_masks_reaches_their_limits_and_none_passes_them():
    rng = np.random.default_rng(0)
    target = rng.choice([0.0, 0.2, 0.6, 1.0], (2, 6, 5, 1))
    limits = MaskLimits.of(target)
    scores = []
    for prediction in (target, rng.uniform(0.01, 0.99, target.shape), np.clip(target + 0.05, 0.01, 0.99)):
        metrics = SegmentationMetrics()
        metrics.update(prediction, target)
        scores.append(metrics.result())
    best, *others = scores
    assert best["loss"] == pytest.approx(limits.loss_floor, rel=1e-6)
    assert best["keras_accuracy"] == pytest.approx(limits.keras_accuracy_ceiling)
    assert 0 < limits.keras_accuracy_ceiling < 1
    for other in others:
        assert other["loss"] > limits.loss_floor
        assert other["keras_accuracy"] <= limits.keras_accuracy_ceiling
    background = SegmentationMetrics()
    background.update(np.zeros(target.shape), target)
    assert background.result()["keras_accuracy"] == pytest.approx(limits.keras_baseline)
