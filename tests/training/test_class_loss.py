"""The loss of a network with classes: means over images and counted pixels, with and without a separation."""

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet import functional as F
from minunet.data.outputs import Outputs
from minunet.training.class_loss import balanced_weights, with_classes
from tests.sample_arrays import distinct

NAMES = ("background", "red", "white")
PLAIN, SEPARATED = Outputs(NAMES), Outputs(NAMES, "distance")
CLASSES = np.random.default_rng(0).integers(0, 3, (3, 4, 5, 1)).astype(np.float64)


def cross_entropy(logits, classes):
    return F.cross_entropy(Tensor(logits), classes.astype(int)).item()


def test_bce_is_the_cross_entropy_of_the_softmax():
    logits = distinct((3, 4, 5, 3))
    loss = with_classes("bce", PLAIN)(Tensor(logits), CLASSES)
    np.testing.assert_allclose(loss.item(), cross_entropy(logits, CLASSES[..., 0]), rtol=1e-12)


def test_ignored_pixels_count_nowhere_and_every_image_counts_the_same():
    logits, target = distinct((3, 4, 5, 3)), CLASSES.copy()
    target[0, :2], target[2] = -1, -1  # half of the first image, all of the last
    expected = np.mean([cross_entropy(logits[0, 2:], target[0, 2:, :, 0]), cross_entropy(logits[1], target[1, ..., 0])])
    ours = Tensor(logits, requires_grad=True)
    loss = with_classes("bce", PLAIN)(ours, target)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-12)
    (loss + with_classes("dice", PLAIN)(ours, target)).backward()
    assert not ours.grad[0, :2].any() and not ours.grad[2].any() and ours.grad[1].all()


@pytest.mark.parametrize("name", ["bce", "dice", "bce+dice"])
def test_a_batch_without_a_counted_pixel_has_no_loss(name):
    logits = Tensor(distinct((3, 4, 5, 3)), requires_grad=True)
    loss = with_classes(name, PLAIN)(logits, np.full((3, 4, 5, 1), -1.0))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_the_sum_has_both_parts():
    logits = Tensor(distinct((3, 4, 5, 3)))
    both, *parts = (with_classes(name, PLAIN)(logits, CLASSES).item() for name in ("bce+dice", "bce", "dice"))
    np.testing.assert_allclose(both, sum(parts), rtol=1e-12)


@pytest.mark.parametrize("name", ["bce", "dice", "bce+dice"])
def test_a_separation_adds_its_cross_entropy(name):
    rng = np.random.default_rng(1)
    logits = distinct((3, 4, 5, 4))
    inside = rng.random((3, 4, 5, 1))
    target = np.concatenate([CLASSES, inside, np.ones_like(inside)], axis=-1)
    whole = with_classes(name, SEPARATED)(Tensor(logits), target).item()
    classes = with_classes(name, PLAIN)(Tensor(np.ascontiguousarray(logits[..., :3])), CLASSES).item()
    separation = F.binary_cross_entropy_with_logits(Tensor(np.ascontiguousarray(logits[..., 3:])), inside).item()
    np.testing.assert_allclose(whole, classes + separation, rtol=1e-12)
    heavier = np.concatenate([CLASSES, inside, np.full_like(inside, 3)], axis=-1)
    assert with_classes(name, SEPARATED)(Tensor(logits), heavier).item() > whole


def test_the_weight_of_a_pixel_counts_in_both_cross_entropies():
    rng = np.random.default_rng(2)
    logits, inside, weight = distinct((3, 4, 5, 4)), rng.random((3, 4, 5)), 1 + 10 * rng.random((3, 4, 5))
    labels = CLASSES[..., 0].astype(int)
    shares = np.exp(logits[..., :3]) / np.exp(logits[..., :3]).sum(axis=-1, keepdims=True)
    of_class = -np.log(np.take_along_axis(shares, labels[..., None], -1)[..., 0])
    p = 1 / (1 + np.exp(-logits[..., 3]))
    each = weight * (of_class - inside * np.log(p) - (1 - inside) * np.log(1 - p))
    target = np.stack([CLASSES[..., 0], inside, weight], axis=-1)
    target[0, :2] = target[2] = -1, 0, 0  # half of the first image and all of the last are ignored
    loss = with_classes("bce", SEPARATED)(Tensor(logits), target).item()
    np.testing.assert_allclose(loss, (each[0, 2:].mean() + each[1].mean()) / 2, rtol=1e-12)


def test_gradients_also_of_the_separation_and_beside_ignored_pixels():
    target = np.concatenate([CLASSES, np.full((3, 4, 5, 1), 0.3), np.full((3, 4, 5, 1), 1.5)], axis=-1)
    target[0, 0] = -1, 0, 0
    logits = Tensor(distinct((3, 4, 5, 4)), requires_grad=True)
    assert minunet.gradcheck(lambda x: with_classes("bce+dice", SEPARATED)(x, target), [logits])


def test_rare_classes_have_more_weight():
    logits = distinct((3, 4, 5, 3))
    weights = balanced_weights([0.6, 0.3, 0.1])
    assert weights[0] < weights[1] < weights[2] and np.dot(weights, [0.6, 0.3, 0.1]) == pytest.approx(1)
    np.testing.assert_allclose([weights[0] / weights[1], weights[0] / weights[2]], np.sqrt([0.3 / 0.6, 0.1 / 0.6]))
    assert balanced_weights([0.5, 0.5, 0.0])[2] == balanced_weights([0.5, 0.5, 0.0])[1]
    assert balanced_weights([0.0, 0.0]) == (1, 1)
    labels = CLASSES[..., 0].astype(int)
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    each = -np.log(np.take_along_axis(p, labels[..., None], -1)[..., 0])
    loss = with_classes("bce", PLAIN, weights)(Tensor(logits), CLASSES)
    np.testing.assert_allclose(loss.item(), np.mean(np.array(weights)[labels] * each), rtol=1e-12)
    separated = np.concatenate([CLASSES, np.full((3, 4, 5, 1), 0.3), np.ones((3, 4, 5, 1))], axis=-1)
    four = distinct((3, 4, 5, 4))
    plain, weighted = (with_classes("dice", SEPARATED, w)(Tensor(four), separated).item() for w in ((), weights))
    assert plain == weighted  # only the cross-entropy of the classes


def test_float32_stays_float32():
    logits = Tensor(distinct((3, 4, 5, 3), dtype=np.float32), requires_grad=True)
    loss = with_classes("bce+dice", PLAIN)(logits, CLASSES.astype(np.float32))
    loss.backward()
    assert loss.dtype == np.float32 and logits.grad.dtype == np.float32
