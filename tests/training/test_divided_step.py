"""A step in micro-batches: the gradient of the whole batch, with the same bits for any number of ranks."""

import numpy as np
import pytest

from minunet import UNet, optim
from minunet.data.reading.preprocessing import IGNORED
from minunet.fused.step_plan import StepPlan
from minunet.training.divided_step import DividedStep, PartResult, mean_loss
from minunet.training.loss import LOSSES, make_loss
from minunet.training.step import OrdinaryStep, make_step
from tests.threads_as_ranks import in_ranks, values_of

IMAGES = np.random.default_rng(1).random((6, 8, 8, 1), np.float32)
MASKS = (IMAGES > 0.5).astype(np.float32)


def partly_ignored():
    """Masks of which the images have different shares that count, and the third none."""
    masks = MASKS.copy()
    masks[1, :6] = IGNORED
    masks[2] = IGNORED
    masks[4, :, :1] = IGNORED
    return masks


def steps(ranks=None, masks=MASKS, *, size=2, plan=None, loss=LOSSES["bce"], optimizer=optim.Adam, images=IMAGES):
    """The results of three steps and the weights after them; with a micro-batch of None, of ordinary steps."""
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    step = make_step(
        model, optimizer(model.parameters(), lr=0.01), loss, plan or StepPlan(), micro_batch=size, ranks=ranks
    )
    own, results = slice(None), []
    if ranks is not None:
        step.samples = len(images)
        own = step.division.samples(len(images))
    for _ in range(3):
        results.append(step(images[own], masks[own]))
    return results, model.state_dict(), step


@pytest.mark.parametrize("ranks", [2, 3, 4])
@pytest.mark.parametrize("loss", ["bce", "bce+dice"])
def test_the_number_of_ranks_changes_no_bit(ranks, loss):
    options = {"loss": make_loss(loss, ignores=True), "plan": StepPlan(clip=0.1), "masks": partly_ignored()}
    results, weights, _ = steps(None, **options)
    for found, others, _ in values_of(in_ranks(ranks, lambda own: steps(own, **options))):
        assert found == results
        assert all(np.array_equal(others[name], weights[name]) for name in weights)


@pytest.mark.parametrize("size", [1, 2, 4, 6, 9])
@pytest.mark.parametrize("loss", ["bce", "dice", "bce+dice"])
def test_it_is_the_step_of_the_whole_batch_but_for_rounding(size, loss):
    """Also where images have different shares of pixels that count: the divisor is that of the whole batch."""
    options = {"loss": make_loss(loss, ignores=True), "masks": partly_ignored(), "optimizer": optim.SGD}
    expected, weights, ordinary = steps(None, size=None, **options)
    found, others, divided = steps(None, size=size, **options)
    assert isinstance(ordinary, OrdinaryStep) and isinstance(divided, DividedStep)
    for one, other in zip(expected, found, strict=True):
        assert other.loss == pytest.approx(one.loss, rel=1e-5)
        counted = one.predicted[options["masks"] >= 0]
        assert other.examples == 5 and other.overlap.pixels == counted.size
        assert other.overlap.true_positive + other.overlap.false_positive == np.count_nonzero(counted)
    for name in weights:
        np.testing.assert_allclose(others[name], weights[name], rtol=1e-4, atol=1e-6)


def test_a_batch_smaller_than_the_ranks_leaves_some_of_them_idle():
    results, weights, _ = steps(None, masks=MASKS[:3], images=IMAGES[:3], size=1)
    for found, others, _ in values_of(in_ranks(4, lambda own: steps(own, MASKS[:3], images=IMAGES[:3], size=1))):
        assert found == results
        assert all(np.array_equal(others[name], weights[name]) for name in weights)


@pytest.mark.parametrize("broken", [0, 5])
def test_a_loss_that_is_not_finite_on_one_rank_updates_nothing_on_any(broken):
    images = IMAGES.copy()
    images[broken] = np.nan

    def work(ranks):
        with np.errstate(all="ignore"):
            return steps(ranks, images=images)

    initial = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0)).state_dict()
    for found, weights, step in values_of(in_ranks(2, work)):
        assert all(np.isnan(result.loss) and result.predicted is None for result in found)
        assert all(np.array_equal(weights[name], initial[name]) for name in initial)
        assert step.optimizer.steps == 0


def test_a_rank_without_memory_ends_the_step_on_all_of_them():
    def work(ranks):
        def loss(logits, target):
            if ranks.rank == 1:
                raise MemoryError("3 GB")
            return LOSSES["bce"](logits, target)

        return steps(ranks, loss=loss)

    for error in in_ranks(2, work):
        assert isinstance(error, MemoryError) and str(error).startswith("rank 1 of 2 on ")


def test_a_part_without_a_pixel_that_counts_has_no_weight_but_its_nan_is_seen():
    none, some = PartResult(0.0, 0, None), PartResult(2.0, 3, None)
    assert mean_loss([none, some, PartResult(4.0, 1, None)]) == 2.5
    assert np.isnan(mean_loss([some, PartResult(np.nan, 0, None)]))
    assert mean_loss([none]) == 0
