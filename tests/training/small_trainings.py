"""Small trainings: discs in memory, a tiny U-Net, a callback that records its calls, and the content of a checkpoint."""

import numpy as np

from minunet.data.crops import Sample
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.training.events import Callback, TrainingProgress
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from minunet.training.trainer import Trainer


class Discs:
    """Bright discs on noise, a few a batch; the batches of an epoch depend only on the seed and its index."""

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
                yield images, masks, [Sample(f"{number}.{i}") for i in range(count)]


class Recorder(Callback):
    """The calls of a callback, in order."""

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

    def on_interrupt(self, resumable):
        self.events.append(("interrupt", resumable))

    def on_end(self):
        self.events.append(("end", None))


def build(epochs=2, callbacks=(), progress=None, loss="bce", monitor="dice", lr=0.01, training=None, seed=0):
    """A trainer of a tiny U-Net on discs."""
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
    """Everything that a checkpoint would contain."""
    progress = trainer.progress
    return (
        trainer.model.state_dict(),
        trainer.optimizer.state_dict(),
        progress.to_dict(),
        [record.to_dict() for record in progress.history],
    )


def restore(trainer, saved):
    """The trainer, with what `snapshot` gave of another."""
    weights, moments, values, history = saved
    trainer.model.load_state_dict(weights)
    trainer.optimizer.load_state_dict(moments)
    trainer.progress = TrainingProgress.from_dict(values, history)
    return trainer


def assert_same(a, b):
    """Weights, moments and history of two trainers are the same to the last bit; only times may differ."""
    weights, others = a.model.state_dict(), b.model.state_dict()
    assert all(np.array_equal(weights[name], others[name]) for name in weights)
    moments, others = a.optimizer.state_dict(), b.optimizer.state_dict()
    assert all(np.array_equal(moments[name], others[name]) for name in moments)
    rows = [{**record.to_dict(), "seconds": 0} for record in a.progress.history]
    assert rows == [{**record.to_dict(), "seconds": 0} for record in b.progress.history]
