"""Class scores: against counts by hand, with ignored pixels, and with classes that are nowhere."""

import numpy as np
import pytest

from minunet.inference.class_scores import ClassScores

NAMES = ("background", "red", "white", "platelet")


def test_dice_and_iou_of_every_class():
    scores = ClassScores(NAMES)
    scores.update(np.array([[0, 1, 1], [2, 2, 0]]), np.array([[0, 1, 2], [2, 2, 1]]))
    result = scores.result()
    assert result["background"] == {
        "dice": pytest.approx(2 / 3),
        "iou": 0.5,
        "true_pixels": 1,
        "predicted_pixels": 2,
    }
    assert result["red"]["dice"] == pytest.approx(2 * 1 / (2 + 2)) and result["red"]["iou"] == pytest.approx(1 / 3)
    assert result["white"]["dice"] == pytest.approx(2 * 2 / (3 + 2))
    assert scores.mean_dice() == pytest.approx((0.5 + 0.8) / 2)


def test_images_are_added_up_and_ignored_pixels_left_out():
    whole, parts = ClassScores(NAMES), ClassScores(NAMES)
    rng = np.random.default_rng(0)
    predicted, truth = rng.integers(0, 4, (4, 6, 5)), rng.integers(-1, 4, (4, 6, 5))
    whole.update(predicted, truth)
    for one, other in zip(predicted, truth, strict=True):
        parts.update(one, other)
    assert whole.result() == parts.result()
    assert whole.confusion.sum() == np.count_nonzero(truth >= 0)


def test_a_class_that_is_nowhere_is_in_no_mean():
    scores = ClassScores(NAMES)
    assert scores.mean_dice() is None and scores.result()["red"]["dice"] is None
    scores.update(np.array([0, 1]), np.array([0, 1]))
    assert scores.result()["platelet"]["dice"] is None and scores.mean_dice() == 1.0
    scores.update(np.array([3]), np.array([0]))  # predicted where there is none
    assert scores.result()["platelet"]["dice"] == 0.0 and scores.mean_dice() == 0.5


def test_shapes_that_differ():
    with pytest.raises(ValueError, match="same shape"):
        ClassScores(NAMES).update(np.zeros((2, 3), int), np.zeros((3, 2), int))
