"""Floor, ceiling and baseline of masks against numbers worked out by hand."""

import math

import numpy as np
import pytest

from minunet.experiments.bounds import Bounds


def test_bounds_of_a_few_pixels_by_hand():
    targets = [np.array([[0.0, 0.0], [0.5, 1.0]], np.float32), np.array([[0.25, 0.75]], np.float32)]
    bounds = Bounds.of(targets)
    quarter = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert bounds.floor == pytest.approx((math.log(2) + 2 * quarter) / 6)
    assert bounds.ceiling == pytest.approx(3 / 6)
    assert bounds.background == pytest.approx(2 / 6)
    assert bounds.cells == pytest.approx(3 / 6)


def test_black_and_white_masks_bound_nothing():
    bounds = Bounds.of([np.array([0.0, 1.0, 0.0, 0.0])])
    assert (bounds.floor, bounds.ceiling, bounds.background, bounds.cells) == (0.0, 1.0, 0.75, 0.25)


def test_no_prediction_passes_the_bounds():
    rng = np.random.default_rng(0)
    target = rng.choice([0.0, 0.2, 0.6, 1.0], 200)
    bounds = Bounds.of([target])
    best = np.clip(target, 1e-12, 1 - 1e-12)
    for p in (best, rng.uniform(0.01, 0.99, 200), np.clip(target + 0.05, 0.01, 0.99)):
        loss = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
        assert loss >= bounds.floor - 1e-9
        assert ((p > 0.5) == target).mean() <= bounds.ceiling
    assert -(target * np.log(best) + (1 - target) * np.log(1 - best)).mean() == pytest.approx(bounds.floor, abs=1e-9)
    assert ((best > 0.5) == target).mean() == bounds.ceiling
    assert (np.zeros(200) == target).mean() == bounds.background
