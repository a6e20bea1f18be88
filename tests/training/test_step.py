"""The ordinary step: what it returns, what it updates, and that it updates nothing where a number is not finite."""

import numpy as np

from minunet import UNet, optim
from minunet.functional import binary_cross_entropy_with_logits
from minunet.fused.step_plan import StepPlan
from minunet.training.step import OrdinaryStep, make_step

LOSS = binary_cross_entropy_with_logits


def start(plan=None):
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    rng = np.random.default_rng(1)
    images = rng.random((2, 6, 8, 1), np.float32)
    return model, make_step(model, optimizer, LOSS, plan or StepPlan()), (images, (images > 0.5).astype(np.float32))


def test_a_step_returns_loss_and_prediction_from_before_the_update():
    model, step, (images, masks) = start()
    assert isinstance(step, OrdinaryStep) and not step.prefetches
    logits, before = model(images), model.state_dict()
    seen = []
    result = step(images, masks, before_update=lambda: seen.append(model.state_dict()))
    assert result.loss == LOSS(logits, masks).item() and result.norm is None
    assert np.array_equal(result.predicted, logits.data > 0)
    assert all(np.array_equal(seen[0][name], before[name]) for name in before)
    assert any(not np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_with_clipping_the_norm_is_returned():
    _, step, batch = start(StepPlan(clip=1e-3))
    assert step(*batch).norm > 1e-3


def test_a_loss_that_is_not_finite_updates_nothing():
    model, step, (images, masks) = start()
    before, seen = model.state_dict(), []
    with np.errstate(invalid="ignore"):
        result = step(images * np.float32(np.nan), masks, before_update=lambda: seen.append(1))
    assert np.isnan(result.loss) and result.predicted is None and not seen
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    assert step.optimizer.steps == 0
