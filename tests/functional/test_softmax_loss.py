"""Losses of maps of classes: their values against plain loops, and their gradients against finite differences."""

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet import functional as F
from minunet.functional.softmax_loss import class_cross_entropy, class_dice_loss
from tests.sample_arrays import distinct

CLASSES = np.random.default_rng(0).integers(0, 3, (2, 3, 5, 1))
WEIGHT = np.random.default_rng(1).uniform(0, 2, (2, 3, 5, 1))
COUNTED = (np.random.default_rng(2).random((2, 3, 5, 1)) < 0.8).astype(float)
IMAGES = np.array([0.5, 2.0]).reshape(2, 1, 1, 1)


def softmax(logits):
    shares = np.exp(logits)
    return shares / shares.sum(axis=-1, keepdims=True)


def test_cross_entropy_is_that_of_the_labels():
    logits = distinct((2, 3, 5, 3))
    ours = class_cross_entropy(Tensor(logits), CLASSES, np.ones_like(WEIGHT), 3)
    np.testing.assert_allclose(ours.item(), F.cross_entropy(Tensor(logits), CLASSES[..., 0]).item(), rtol=1e-12)


def test_each_pixel_has_its_weight_and_further_channels_do_not_matter():
    logits = distinct((2, 3, 5, 4))
    p = softmax(logits[..., :3])
    expected = np.mean(-WEIGHT * np.log(np.take_along_axis(p, CLASSES, -1)))
    np.testing.assert_allclose(class_cross_entropy(Tensor(logits), CLASSES, WEIGHT, 3).item(), expected, rtol=1e-12)


def test_dice_is_the_mean_over_images_and_the_classes_that_they_show():
    logits = distinct((2, 3, 5, 4))
    p = softmax(logits[..., :3]) * COUNTED
    classes = CLASSES.copy()
    classes[0][classes[0] == 2] = 1  # the first image does not show the last class
    losses = []
    for image in range(2):
        of_image = []
        for place in (0, 1, 2)[: 2 + image]:
            truth = (classes[image, ..., 0] == place) * COUNTED[image, ..., 0]
            share = p[image, ..., place]
            dice = (2 * (share * truth).sum() + 1) / (share.sum() + truth.sum() + 1)
            of_image.append(1 - dice)
        losses.append(IMAGES[image].item() * np.mean(of_image))
    ours = class_dice_loss(Tensor(logits), classes, COUNTED, IMAGES, 3)
    np.testing.assert_allclose(ours.item(), np.mean(losses), rtol=1e-12)


@pytest.mark.parametrize("channels", [3, 4])
def test_gradients(channels):
    logits = Tensor(distinct((2, 3, 5, channels)), requires_grad=True)
    assert minunet.gradcheck(lambda x: class_cross_entropy(x, CLASSES, WEIGHT, 3) * 2.0, [logits])
    assert minunet.gradcheck(lambda x: class_dice_loss(x, CLASSES, COUNTED, IMAGES, 3) * 2.0, [logits])


def test_logits_of_any_size_have_a_finite_loss_and_small_losses_are_kept():
    far = np.array([[1000.0, -1000.0, 0.0]]).reshape(1, 1, 1, 3)
    one = np.ones((1, 1, 1, 1))
    assert class_cross_entropy(Tensor(far), one * 1, one, 3).item() == 2000.0
    sure = np.array([[50.0, 0.0, 0.0]]).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(class_cross_entropy(Tensor(sure), one * 0, one, 3).item(), 2 * np.exp(-50), rtol=1e-9)


def test_a_perfect_prediction_without_a_cell_and_an_image_without_a_counted_pixel():
    logits = np.zeros((1, 4, 4, 3), np.float32)
    logits[..., 0] = 40
    nothing = np.zeros((1, 4, 4, 1))
    loss = class_dice_loss(Tensor(logits), nothing, np.ones_like(nothing), np.ones((1, 1, 1, 1)), 3)
    assert loss.dtype == np.float32 and loss.item() == pytest.approx(0, abs=1e-6)
    assert class_dice_loss(Tensor(logits), nothing, nothing, np.ones((1, 1, 1, 1)), 3).item() == 0


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="need classes and weights of shape"):
        class_cross_entropy(Tensor(distinct((2, 3, 5, 3))), CLASSES[..., 0], WEIGHT, 3)
    with pytest.raises(ValueError, match="of 4 classes"):
        class_cross_entropy(Tensor(distinct((2, 3, 5, 3))), CLASSES, WEIGHT, 4)
