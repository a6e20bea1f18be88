"""The training loop on a tiny U-Net and an in-memory source: it learns, resumes bit for bit, and stops in good order."""

import numpy as np
import pytest

from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.training.clipping import gradient_norm
from minunet.training.loss import LOSSES
from minunet.training.metrics import SegmentationMetrics
from minunet.training.records import Callback, Progress
from minunet.training.schedule import Schedule
from minunet.training.trainer import Diverged, Interrupted, Trainer


class Discs:
    """Bright discs on noise, a few a batch; what an epoch yields depends on the seed and its index alone."""

    def __init__(self, batches=3, batch_size=2, seed=0, side=12):
        self.batches, self.batch_size, self.seed, self.side = batches, batch_size, seed, side

    def __len__(self):
        return self.batches

    def epoch(self, index, start=0):
        rng = np.random.default_rng([self.seed, index])
        rows, columns = np.mgrid[: self.side, : self.side]
        for number in range(self.batches):
            # The last batch is smaller, so that means over images and over batches differ.
            count = self.batch_size - (number == self.batches - 1)
            masks = np.zeros((count, self.side, self.side, 1), np.float32)
            for mask in masks:
                row, column = rng.uniform(3, self.side - 3, 2)
                mask[..., 0] = (rows - row) ** 2 + (columns - column) ** 2 < 9
            images = np.clip(0.6 * masks + rng.uniform(0, 0.4, masks.shape), 0, 1).astype(np.float32)
            if number >= start:
                yield images, masks, [f"{number}.{i}" for i in range(count)]


class Recorder(Callback):
    def __init__(self):
        self.events, self.steps, self.epochs = [], [], []

    def on_start(self, record):
        self.events.append(("start", record.step))

    def on_step(self, record):
        self.steps.append(record)
        self.events.append(("step", record.step))

    def on_epoch_end(self, record):
        self.epochs.append(record)
        self.events.append(("epoch", record.epoch))

    def on_interrupt(self, settled):
        self.events.append(("interrupt", settled))

    def on_end(self):
        self.events.append(("end", None))


def build(epochs=2, callbacks=(), progress=None, loss="bce", monitor="dice", lr=0.01, training=None, seed=0):
    model = UNet(base_channels=4, depth=1, rng=np.random.default_rng(seed))
    training = Discs() if training is None else training
    return Trainer(
        model,
        Adam(model.parameters()),
        Schedule("onecycle", lr, 4 * len(training)),
        LOSSES[loss],
        training,
        Discs(batches=2, seed=9),
        epochs=epochs,
        monitor=monitor,
        callbacks=callbacks,
        progress=progress,
    )


def snapshot(trainer):
    """All that a checkpoint would hold."""
    progress = trainer.progress
    return (
        trainer.model.state_dict(),
        trainer.optimizer.state_dict(),
        progress.to_dict(),
        [record.to_dict() for record in progress.history],
    )


def restore(trainer, saved):
    weights, moments, values, history = saved
    trainer.model.load_state_dict(weights)
    trainer.optimizer.load_state_dict(moments)
    trainer.progress = Progress.from_dict(values, history)
    return trainer


def assert_same(a, b):
    weights, others = a.model.state_dict(), b.model.state_dict()
    assert all(np.array_equal(weights[name], others[name]) for name in weights)
    moments, others = a.optimizer.state_dict(), b.optimizer.state_dict()
    assert all(np.array_equal(moments[name], others[name]) for name in moments)
    rows = [{**record.to_dict(), "seconds": 0} for record in a.progress.history]
    assert rows == [{**record.to_dict(), "seconds": 0} for record in b.progress.history]


@pytest.mark.parametrize("loss", LOSSES)
def test_training_lowers_the_loss(loss):
    trainer = build(epochs=30, loss=loss)
    trainer.schedule = Schedule(
        "constant", 0.01, 1
    )  # at 0.02 Dice alone is on the edge: rounding decides whether it collapses
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


class StopAfter(Callback):
    def __init__(self, trainer, step=None, epoch=None, error=None):
        self.trainer, self.step, self.epoch, self.error = trainer, step, epoch, error

    def stop(self):
        if self.error is None:
            self.trainer.request_stop()
        else:
            raise self.error

    def on_step(self, record):
        if record.step == self.step:
            self.stop()

    def on_epoch_end(self, record):
        if record.epoch == self.epoch:
            self.stop()


@pytest.mark.parametrize(("step", "epoch"), [(1, None), (2, None), (3, None), (5, None), (None, 1), (None, 2)])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(step, epoch):
    uninterrupted = build(epochs=3)
    uninterrupted.fit()
    stopped, recorder = build(epochs=3), Recorder()
    stopped.callbacks = [StopAfter(stopped, step, epoch), recorder]
    with pytest.raises(KeyboardInterrupt):
        stopped.fit()
    assert recorder.events[-1] == ("interrupt", True)
    resumed = restore(
        build(epochs=3, seed=7), snapshot(stopped)
    )  # another seed: the weights must come from the snapshot
    resumed.fit()
    assert_same(resumed, uninterrupted)


def test_a_keyboard_interrupt_from_a_callback_after_a_step_leaves_a_state_to_go_on_from():
    uninterrupted = build()
    uninterrupted.fit()
    stopped, recorder = build(), Recorder()
    stopped.callbacks = [recorder, StopAfter(stopped, step=2, error=KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        stopped.fit()
    assert recorder.events[-1] == ("interrupt", True)
    resumed = restore(build(), snapshot(stopped))
    resumed.fit()
    assert_same(resumed, uninterrupted)


def test_a_second_interrupt_leaves_no_time_for_saving():
    class Impatient(Callback):
        def on_step(self, record):
            trainer.request_stop()
            raise KeyboardInterrupt

    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder, Impatient()]
    with pytest.raises(Interrupted) as stopped:
        trainer.fit()
    assert recorder.events[-1] == ("interrupt", False)
    assert not stopped.value.settled


def test_an_interrupt_within_the_update_of_the_weights_is_told_apart():
    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder]

    def half_a_step():
        raise KeyboardInterrupt

    trainer.optimizer.step = half_a_step
    with pytest.raises(KeyboardInterrupt):
        trainer.fit()
    assert recorder.events[-1] == ("interrupt", False)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_training_before_it_reaches_the_weights(bad):
    class Broken(Discs):
        def epoch(self, index, start=0):
            for number, (images, masks, names) in enumerate(super().epoch(index, start), start):
                yield (images * bad if (index, number) == (1, 1) else images), masks, names

    trainer = build(training=Broken())
    recorder = Recorder()
    trainer.callbacks = [recorder]
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(Diverged, match=r"in epoch 2, step 2 of 3, at a learning rate of"),
    ):
        trainer.fit()
    assert trainer.progress.step == 4
    assert all(np.isfinite(array).all() for array in trainer.model.state_dict().values())
    assert recorder.events[-2:] == [("step", 4), ("interrupt", False)]


def test_a_gradient_that_is_no_number_stops_before_it_reaches_the_weights():
    class Overflowing:
        """A loss whose gradient is too long for its number type."""

        def __init__(self, loss):
            self.loss, self.item = loss, loss.item

        def backward(self):
            self.loss.backward()
            trainer.model.parameters()[0].grad[...] = np.inf

    trainer = build()
    trainer.step.clip = 1.0
    plain = trainer.step.loss
    trainer.step.loss = lambda *pair: Overflowing(plain(*pair)) if trainer.progress.step == 2 else plain(*pair)
    with pytest.raises(Diverged, match="the gradient became inf in epoch 1, step 3 of 3"):
        trainer.fit()
    assert trainer.progress.step == 2
    assert all(np.isfinite(array).all() for array in trainer.model.state_dict().values())


def test_gradients_are_clipped_before_the_step():
    trainer, norms = build(), []
    trainer.step.clip = 1e-3
    plain = trainer.optimizer.step
    trainer.optimizer.step = lambda: norms.append(gradient_norm(trainer.optimizer.params)) or plain()
    trainer.fit()
    assert norms == pytest.approx([1e-3] * 6)


def test_weights_that_overflow_in_the_last_step_of_an_epoch_are_found_by_its_validation():
    trainer, recorder = build(), Recorder()
    trainer.callbacks = [recorder]
    plain = trainer.optimizer.step

    def step():
        plain()
        if trainer.optimizer.steps == 3:
            trainer.model.parameters()[0].data[...] = np.nan

    trainer.optimizer.step = step
    with pytest.raises(Diverged, match="the loss became nan in epoch 1, validation"):
        trainer.fit()
    assert ("epoch", 1) not in recorder.events


def test_an_unknown_monitor_is_refused():
    with pytest.raises(ValueError, match="monitor 'iou' is not known"):
        build(monitor="iou")
