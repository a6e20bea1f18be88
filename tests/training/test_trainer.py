"""The training loop on a tiny U-Net and batches in memory: it learns, calls its callbacks, and finds the best epoch."""

import pytest

from minunet.fused.step_plan import StepPlan
from minunet.inference.metrics import SegmentationMetrics
from minunet.training.clipping import gradient_norm
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from tests.training.small_trainings import Recorder, assert_same, build


@pytest.mark.parametrize("loss", LOSSES)
def test_training_lowers_the_loss(loss):
    trainer = build(epochs=30, loss=loss)
    trainer.schedule = Schedule(
        "constant", 0.01, 1
    )  # at 0.02, with the Dice loss, rounding decides whether the training collapses
    history = trainer.fit().history
    assert history[-1].val_loss < 0.8 * history[0].val_loss
    assert history[-1].train_loss < 0.8 * history[0].train_loss


def test_the_callbacks_are_told_everything_in_order():
    recorder = Recorder()
    build(callbacks=[recorder]).fit()
    assert recorder.events == [
        *[("start", 0), ("step", 1), ("step", 2), ("step", 3), ("epoch", 1)],
        *[("step", 4), ("step", 5), ("step", 6), ("epoch", 2), ("end", None)],
    ]
    assert [(record.epoch, record.batch) for record in recorder.steps] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 2),
        (2, 3),
    ]


def test_a_record_holds_the_mean_over_images_the_rate_and_the_measures_of_the_validation():
    recorder = Recorder()
    trainer = build(epochs=1, callbacks=[recorder])
    losses = []
    plain = trainer.step.loss
    trainer.loss = trainer.step.loss = lambda logits, target: losses.append(plain(logits, target)) or losses[-1]
    trainer.fit()
    (record,) = recorder.epochs
    values = [loss.item() for loss in losses]
    assert record.train_loss == pytest.approx((2 * values[0] + 2 * values[1] + values[2]) / 5)
    assert record.val_loss == pytest.approx((2 * values[3] + values[4]) / 3)
    metrics = SegmentationMetrics()
    for images, masks, _ in trainer.validation.epoch(0):
        metrics.update_logits(trainer.model(images).data, masks)
    result = metrics.result()
    assert (record.val_dice, record.val_iou, record.val_baseline) == (result["dice"], result["iou"], result["baseline"])
    assert record.lr == trainer.schedule(2) and record.step == 3 and record.best


def test_the_rate_of_every_step_is_the_schedules():
    recorder = Recorder()
    trainer = build(callbacks=[recorder])
    trainer.fit()
    assert [record.lr for record in recorder.steps] == [trainer.schedule(step) for step in range(6)]


@pytest.mark.parametrize("monitor", ["dice", "loss"])
def test_the_best_epoch_is_the_one_with_the_best_of_what_is_monitored(monitor):
    trainer = build(epochs=6, monitor=monitor, lr=0.05)
    history = trainer.fit().history
    best = min(history, key=lambda r: r.val_loss) if monitor == "loss" else max(history, key=lambda r: r.val_dice)
    assert trainer.progress.best_epoch == best.epoch
    assert [record.best for record in history] == [
        all((r.val_loss > record.val_loss if monitor == "loss" else r.val_dice < record.val_dice) for r in history[:i])
        for i, record in enumerate(history)
    ]


def test_the_same_seed_gives_the_same_bits():
    first, second = build(), build()
    first.fit()
    second.fit()
    assert_same(first, second)


def test_gradients_are_clipped_before_the_step():
    trainer, norms = build(), []
    trainer.step.plan = StepPlan(clip=1e-3)
    plain = trainer.optimizer.step
    trainer.optimizer.step = lambda: norms.append(gradient_norm(trainer.optimizer.params)) or plain()
    trainer.fit()
    assert norms == pytest.approx([1e-3] * 6)


def test_an_unknown_monitor_is_refused():
    with pytest.raises(ValueError, match="monitor 'iou' is not known"):
        build(monitor="iou")
