"""The outputs of a network: the channels of logits and targets, and what the logits say."""

import numpy as np
import pytest

from minunet.data.outputs import Outputs
from minunet.errors import UserError

CLASSES = ("background", "red", "white")
LOGITS = np.random.default_rng(0).normal(0, 3, (2, 5, 4, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("outputs", "channels", "target_channels"),
    [
        (Outputs(), 1, 1),
        (Outputs(separation="seam"), 2, 3),
        (Outputs(CLASSES), 3, 1),
        (Outputs(CLASSES, "distance"), 4, 3),
    ],
)
def test_channels_and_json(outputs, channels, target_channels):
    assert (outputs.channels, outputs.target_channels) == (channels, target_channels)
    assert Outputs.from_dict(outputs.to_dict()) == outputs


def test_one_logit_is_the_cell():
    outputs = Outputs(separation="centre")
    np.testing.assert_array_equal(outputs.cell_logits(LOGITS[..., :2]), LOGITS[..., :1])
    np.testing.assert_allclose(outputs.probability(LOGITS[..., :2]), 1 / (1 + np.exp(-LOGITS[..., 0])), rtol=1e-5)
    np.testing.assert_allclose(outputs.separation_map(LOGITS[..., :2]), 1 / (1 + np.exp(-LOGITS[..., 1])), rtol=1e-5)
    with pytest.raises(ValueError, match="no classes"):
        outputs.class_probabilities(LOGITS)


def test_classes_are_a_softmax_and_the_cell_is_all_but_the_background():
    outputs = Outputs(CLASSES, "distance")
    shares = np.exp(LOGITS[..., :3].astype(np.float64))
    shares /= shares.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(outputs.class_probabilities(LOGITS), shares, rtol=1e-5)
    np.testing.assert_allclose(outputs.probability(LOGITS), 1 - shares[..., 0], rtol=1e-4)
    np.testing.assert_allclose(outputs.separation_map(LOGITS), 1 / (1 + np.exp(-LOGITS[..., 3])), rtol=1e-5)
    assert Outputs(CLASSES).separation_map(LOGITS[..., :3]) is None


def test_large_logits_overflow_nowhere():
    logits = np.array([[1e4, -1e4, 3e4], [-3e4, 1e4, -1e4]], np.float32)
    assert Outputs(CLASSES).probability(logits).tolist() == [1, 1]
    assert Outputs(separation="seam").separation_map(logits[:, :2]).tolist() == [0, 1]


def test_target_of_cell_against_background():
    targets = np.array([[-1, 0, 0], [0, 0, 1], [1, 0, 1], [2, 1, 1]], np.float32)
    assert Outputs(CLASSES, "seam").cell_target(targets)[:, 0].tolist() == [-1, 0, 1, 1]
    shares = np.array([[0.25], [-1]], np.float32)
    assert Outputs().cell_target(shares) is not None
    assert Outputs().cell_target(shares)[:, 0].tolist() == [0.25, -1]


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"classes": [], "separation": "glue"}, "choose distance, centre, seam"),
        ({"classes": ["background"], "separation": None}, "1 classes: give 2 to 255"),
        ({"classes": ["a", "a"], "separation": None}, "the same name"),
        ({"classes": ["a", 2], "separation": None}, "give names"),
        ({"classes": ["a", ""], "separation": None}, "give names"),
        ({"classes": "ab", "separation": None}, "classes are a list"),
        ({"classes": [], "separation": 3}, "the separation is a word"),
        ({"classes": []}, "the entries classes and separation"),
        ({"classes": [], "separation": None, "depth": 1}, "and no others"),
        (["classes"], "and no others"),
    ],
)
def test_unusable_outputs(stored, message):
    with pytest.raises(UserError, match=message):
        Outputs.from_dict(stored)
