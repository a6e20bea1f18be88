"""Gradient checkpointing gives the same gradients with less memory."""

import numpy as np
import pytest

import minunet
from minunet import functional as F
from minunet.autograd.recompute import recompute
from minunet.kernels.dry_run import dry_run


def gradients(model, x, target):
    model.zero_grad()
    loss = F.binary_cross_entropy_with_logits(model(x), target)
    loss.backward()
    return loss.item(), [p.grad.copy() for p in model.parameters()]


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_a_unet_has_the_same_loss_and_gradients_bit_for_bit(variant):
    rng = np.random.default_rng(0)
    model = minunet.UNet(base_channels=3, depth=2, variant=variant)
    x, target = rng.random((2, 13, 10, 1), np.float32), rng.random((2, 13, 10, 1), np.float32)
    loss, plain = gradients(model, x, target)
    model.recompute = True
    again, recomputed = gradients(model, x, target)
    assert loss == again
    for (name, _), a, b in zip(model.named_parameters(), plain, recomputed, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_the_gradient_of_the_input_and_of_a_parameter_used_twice():
    w = minunet.Tensor(np.array([3.0]), requires_grad=True)
    x = minunet.Tensor(np.array([2.0]), requires_grad=True)
    y = recompute(lambda v: v * v * w, [x], [w]) * w
    y.backward()
    np.testing.assert_allclose(x.grad, 2 * 2.0 * 9.0)
    np.testing.assert_allclose(w.grad, 2 * 4.0 * 3.0)


def test_gradients_from_before_are_added_to():
    model = minunet.UNet(base_channels=2, depth=1)
    model.recompute = True
    x, target = np.ones((1, 4, 4, 1), np.float32), np.zeros((1, 4, 4, 1), np.float32)
    _, once = gradients(model, x, target)
    F.binary_cross_entropy_with_logits(model(x), target).backward()
    for p, grad in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad, 2 * grad, rtol=1e-6)


def test_without_recording_nothing_is_kept():
    model = minunet.UNet(base_channels=2, depth=1)
    model.recompute = True
    with minunet.no_grad():
        assert not model(np.ones((1, 4, 4, 1), np.float32)).requires_grad


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_at_most_half_of_the_activations_are_kept(variant):
    model = minunet.UNet(base_channels=16, depth=4, variant=variant)
    x = np.zeros((1, 128, 128, 1), np.float32)

    def tape():
        with dry_run() as run:
            logits = model(x)
            kept = run.live
        del logits
        return kept

    plain = tape()
    model.recompute = True
    assert tape() <= 0.5 * plain
