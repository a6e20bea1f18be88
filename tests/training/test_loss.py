"""Losses over the pixels that count, without those that are ignored; and of a second output, with the weights of the seams."""

import numpy as np
import pytest

from minunet import Tensor
from minunet.data.outputs import Outputs
from minunet.training.loss import LOSSES, make_loss, without_ignored


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


SEPARATED = Outputs(separation="distance")


def separated_batch():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (2, 6, 5, 2)).astype(np.float32)
    target = rng.uniform(0, 1, (2, 6, 5, 3)).astype(np.float32)
    target[..., 2] = 1 + 10 * target[..., 2]
    return logits, target


def cross_entropies(logits, target):
    """Of each element, in double precision."""
    z, t = logits.astype(np.float64), target.astype(np.float64)
    return np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))


def overlap_loss(logits, target):
    p = 1 / (1 + np.exp(-logits[..., 0].astype(np.float64)))
    shares = [(2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1) for a, b in zip(p, target[..., 0], strict=True)]
    return 1 - np.mean(shares)


@pytest.mark.parametrize("ignores", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_a_separation_adds_its_weighted_cross_entropy(name, ignores):
    logits, target = separated_batch()
    bce = cross_entropies(logits, target[..., :2])
    expected = (bce[..., 1] * target[..., 2]).mean()
    if name != "dice":
        expected += bce[..., 0].mean()
    if name != "bce":
        expected += overlap_loss(logits, target)
    found = make_loss(name, SEPARATED, ignores=ignores)(Tensor(logits), target)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_count_in_neither_output(name):
    logits, target = separated_batch()
    target[:, 3:] = [-1, 0.5, 0]  # the upper half of each image counts
    x, upper = Tensor(logits, requires_grad=True), Tensor(logits[:, :3], requires_grad=True)
    loss = make_loss(name, SEPARATED, ignores=True)(x, target)
    expected = make_loss(name, SEPARATED)(upper, target[:, :3])
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-5)
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(x.grad[:, :3], upper.grad, rtol=1e-4, atol=1e-7)
    assert not x.grad[:, 3:].any()


@pytest.mark.parametrize("name", LOSSES)
def test_an_image_without_a_counted_pixel_is_left_out_of_both(name):
    logits, target = separated_batch()
    target[1] = [-1, 0, 0]
    loss = make_loss(name, SEPARATED, ignores=True)(Tensor(logits), target)
    np.testing.assert_allclose(
        loss.item(), make_loss(name, SEPARATED)(Tensor(logits[:1]), target[:1]).item(), rtol=1e-5
    )


def test_without_a_separation_the_losses_are_those_of_one_logit():
    assert make_loss("bce", Outputs()) is make_loss("bce") is LOSSES["bce"]
    logits, target = batch()
    target[:, 3:] = -1
    np.testing.assert_array_equal(
        make_loss("dice", Outputs(), ignores=True)(Tensor(logits), target).item(),
        without_ignored("dice")(Tensor(logits), target).item(),
    )
