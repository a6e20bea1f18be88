"""Losses over the pixels that count: those of targets without the others, and no gradient where a pixel is ignored."""

import numpy as np
import pytest

from minunet import Tensor
from minunet.training.loss import LOSSES, without_ignored


def batch():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2, 6, 5, 1)).astype(np.float32)
    target = rng.integers(0, 2, logits.shape).astype(np.float32)
    return logits, target


@pytest.mark.parametrize("name", LOSSES)
def test_without_pixels_to_ignore_it_is_the_loss_itself(name):
    logits, target = batch()
    np.testing.assert_allclose(
        without_ignored(name)(Tensor(logits), target).item(), LOSSES[name](Tensor(logits), target).item(), rtol=1e-6
    )


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_count_nowhere(name):
    logits, target = batch()
    target[:, 3:] = -1  # the upper half of each image counts
    x = Tensor(logits, requires_grad=True)
    loss = without_ignored(name)(x, target)
    upper = Tensor(logits[:, :3], requires_grad=True)
    expected = LOSSES[name](upper, target[:, :3])
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-6)
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(x.grad[:, :3], upper.grad, rtol=1e-4, atol=1e-8)
    assert not x.grad[:, 3:].any()


@pytest.mark.parametrize("name", LOSSES)
def test_images_without_a_counted_pixel_are_left_out(name):
    logits, target = batch()
    target[1] = -1
    loss = without_ignored(name)(Tensor(logits), target)
    np.testing.assert_allclose(loss.item(), LOSSES[name](Tensor(logits[:1]), target[:1]).item(), rtol=1e-6)
    x = Tensor(logits, requires_grad=True)
    nothing = without_ignored(name)(x, np.full_like(target, -1))
    nothing.backward()
    assert nothing.item() == 0 and not x.grad.any()
