"""The rules by which a training is seen to fail, from the records of its epochs alone: what each notices, and in which sentence.

The limits were set on some 80 recorded trainings, of real and of drawn smears, with 1 to 40 epochs, that went well: docs/runs.md
lists what they did at most. Each rule returns a sentence, or None where nothing is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minunet.inference.metrics import trivial_dice
from minunet.training.events import EpochRecord
from minunet.wording import count_noun

# A model counts as one that calls everything background where it finds less than this share of the pixels of cells, and as one
# that calls everything cell where it leaves less than this share of those of the background.
FEW = 0.02
# So many epochs in a row, and so many steps; sound trainings do it in up to 2 of the first epochs, and 40 steps.
STREAK, STREAK_STEPS = 4, 60
# The share by which a loss may differ from that of a constant prediction and count as stuck there; sound ones stay for 2 epochs.
NEAR = 0.05
# Sound trainings beat the Dice of calling everything cell after at most 7 epochs and 60 steps, or 30 % of a short training.
TRIVIAL_FROM, TRIVIAL_SHARE, TRIVIAL_MARGIN = 8, 0.4, 0.01
# How far the validation loss is above its lowest, in each of the last OVERFIT_EPOCHS; 1.12 at most where it went well.
OVERFIT, OVERFIT_EPOCHS, OVERFIT_TRAINING = 1.25, 5, 0.8
# Of the Dice gained in the last quarter of the epochs: at least this much, and this share of what was missing before.
GAIN, GAIN_SHARE = 0.015, 0.1
FEW_STEPS, ENOUGH_STEPS = 100, 400  # optimizer steps; a default training has 360
# Times the loss of a constant prediction, or that of an untrained network where it is larger: 1.7 at most where it went well.
EXPLODING, HOPELESS, EXPLODED_EPOCHS = 10.0, 1000.0, 3
USUAL_RATE = 0.002  # the default of --lr
UNTRAINED = math.log(2)  # nats: the cross-entropy of a probability of one half


@dataclass(frozen=True)
class WatchedTraining:
    """What the rules look at.

    Attributes
    ----------
    history : sequence of EpochRecord
        At least one.
    epochs : int
        Of the whole training.
    constant_loss : float or None
        The validation loss of the best prediction that is the same for every pixel; None where it is not known. For
        cross-entropy it is the entropy of the share of cell.
    lr : float
        The largest learning rate.
    """

    history: Sequence[EpochRecord]
    epochs: int
    constant_loss: float | None
    lr: float

    @property
    def last(self) -> EpochRecord:
        """The epoch that has just ended."""
        return self.history[-1]

    @property
    def ended(self) -> bool:
        """Whether it was the last one."""
        return self.last.epoch >= self.epochs

    @property
    def cells(self) -> float:
        """The share of cell in the validation images."""
        return 1 - self.last.val_baseline

    @property
    def more_epochs(self) -> int:
        """Epochs for another try: twice as many; enough for some hundred steps, where there were only a few."""
        steps = self.last.step / len(self.history)  # in an epoch
        enough = math.ceil(ENOUGH_STEPS / steps) if self.last.step < FEW_STEPS else 0
        return max(2 * self.epochs, enough)

    @property
    def slower(self) -> str:
        """The remedy of a learning rate that is too high."""
        return slower(self.lr)

    def remedy(self, otherwise: str) -> str:
        """More epochs where there were too few steps to judge; else `otherwise`."""
        if self.ended and self.last.step < FEW_STEPS:
            steps = self.last.step
            return f"{count_noun(steps, 'step')} {'is' if steps == 1 else 'are'} too few, train longer: --epochs {self.more_epochs}"
        return otherwise

    def streak(self) -> int:
        """In how many epochs something has to be seen: `STREAK`, or more where they have few steps; all, if there are no more."""
        needed = max(STREAK, math.ceil(STREAK_STEPS * len(self.history) / self.last.step))
        return min(needed, self.epochs) if self.ended else needed


def slower(lr: float) -> str:
    """The remedy of a learning rate that is too high.

    Examples
    --------
    >>> slower(1.0), slower(0.002)
    ('lower --lr, to 0.002 say, and start a new run', 'lower --lr, to 0.0002 say, and start a new run')
    """
    return f"lower --lr, to {min(lr / 10, USUAL_RATE):.1g} say, and start a new run"


def all_background(training: WatchedTraining) -> str | None:
    """Every pixel is predicted as background."""
    recent = training.history[-training.streak() :]
    if not 0 < training.cells < 1 or len(recent) < training.streak():
        return None
    if any(predicted_share(record) > FEW * training.cells for record in recent):
        return None
    return _one_answer(training, "background", len(recent))


def all_cell(training: WatchedTraining) -> str | None:
    """Every pixel is predicted as cell."""
    recent = training.history[-training.streak() :]
    if not 0 < training.cells < 1 or len(recent) < training.streak():
        return None
    if any(predicted_share(record) < 1 - FEW * (1 - training.cells) for record in recent):
        return None
    return _one_answer(training, "cell", len(recent))


def _one_answer(training: WatchedTraining, answer: str, epochs: int) -> str:
    """The sentence of `all_background` and `all_cell`."""
    since = f" since epoch {training.last.epoch - epochs + 1}" if epochs > 1 else ""
    remedy = training.remedy(
        "see with python -m minunet.doctor DATA whether the masks are read as they are meant; if they are, "
        f"{training.slower}, or with --loss bce+dice where cells are rare"
    )
    return f"nearly every pixel of the validation images is called {answer}{since}: {remedy}"


def stuck(training: WatchedTraining) -> str | None:
    """The validation loss stays at that of a constant prediction: the entropy of the share of cell, ln 2 at worst."""
    constant, needed = training.constant_loss, training.streak() + 1
    recent = training.history[-needed:]
    if constant is None or constant <= 0 or len(recent) < needed:
        return None
    if any(abs(record.val_loss / constant - 1) > NEAR for record in recent):
        return None
    remedy = training.remedy(
        "see with python -m minunet.doctor DATA whether each mask belongs to its image; if it does, " + training.slower
    )
    return (
        f"the validation loss has stayed at {constant:.3f} since epoch {recent[0].epoch}, which one and the same probability for "
        f"every pixel gives (cells cover {100 * training.cells:.1f} %): {remedy}"
    )


def trivial(training: WatchedTraining) -> str | None:
    """No epoch is better, in Dice, than the better of the two trivial answers, everything cell and everything background."""
    early = training.last.epoch < max(TRIVIAL_FROM, TRIVIAL_SHARE * training.epochs) or training.last.step < FEW_STEPS
    answer = trivial_dice(training.cells)
    best = max(record.val_dice for record in training.history)
    if (early and not training.ended) or not 0 < training.cells < 1 or best > answer + TRIVIAL_MARGIN:
        return None
    remedy = training.remedy(
        "see with python -m minunet.doctor DATA whether each mask belongs to its image; if it does, train longer, such as "
        f"--epochs {training.more_epochs}, or {training.slower}"
    )
    return (
        f"the model is no better than calling everything cell: its validation Dice is {best:.3f} at best, theirs is "
        f"{answer:.3f}: {remedy}"
    )


def over_fitting(training: WatchedTraining) -> str | None:
    """The validation loss rises while the training loss falls."""
    best = min(training.history, key=lambda record: record.val_loss)
    recent = training.history[-OVERFIT_EPOCHS:]
    if best.epoch > training.last.epoch - OVERFIT_EPOCHS:
        return None
    rising = all(record.val_loss > OVERFIT * best.val_loss for record in recent)
    falling = all(record.train_loss < OVERFIT_TRAINING * best.train_loss for record in recent)
    if not (rising and falling):
        return None
    kept = max(training.history, key=lambda record: record.best * record.epoch)
    return (
        f"the model learns its training images by heart: since epoch {best.epoch} the validation loss has risen from "
        f"{best.val_loss:.3f} to {training.last.val_loss:.3f} while the training loss fell from {best.train_loss:.3f} to "
        f"{training.last.train_loss:.3f}: train on more images, with --augment full, or a smaller network (--base-channels); the "
        f"model of epoch {kept.epoch} is kept"
    )


def exploding(training: WatchedTraining) -> str | None:
    """The training or the validation loss is far above that of a constant prediction."""
    loss, usual = _largest_loss(training.last), _usual_loss(training)
    if loss <= EXPLODING * usual:
        return None
    return (
        f"the loss has grown to {loss:.3g}, where a prediction without any knowledge has {usual:.2f}: {training.slower}"
    )


def is_hopeless(training: WatchedTraining) -> bool:
    """Whether the loss has exploded so far, or for so long, that the training is not worth going on with."""
    recent, usual = training.history[-EXPLODED_EPOCHS:], _usual_loss(training)
    if _largest_loss(training.last) > HOPELESS * usual:
        return True
    return len(recent) == EXPLODED_EPOCHS and all(_largest_loss(record) > EXPLODING * usual for record in recent)


def too_few_epochs(training: WatchedTraining) -> str | None:
    """The validation Dice still rises at the last epoch, or there were too few steps to tell."""
    if not training.ended:
        return None
    if training.last.step < FEW_STEPS:
        steps = "1 step was" if training.last.step == 1 else f"only {training.last.step} steps were"
        return f"{steps} taken, and a training needs some hundred: train longer, --epochs {training.more_epochs}"
    history = training.history
    quarter = max(1, len(history) // 4)
    before, last = history[:-quarter], history[-quarter:]
    if not before:
        return None
    earlier, best = max(record.val_dice for record in before), max(record.val_dice for record in last)
    gain = best - earlier
    if gain < GAIN or gain < GAIN_SHARE * (1 - earlier):
        return None
    return (
        f"the validation Dice still rose at the end, from {earlier:.3f} to {best:.3f} in the last "
        f"{'epoch' if quarter == 1 else f'{quarter} epochs'}: train longer, --epochs {training.more_epochs}"
    )


def predicted_share(record: EpochRecord) -> float:
    """The share of the validation pixels that are predicted as cell, from the measures of an epoch."""
    cells = 1 - record.val_baseline
    missed = (1 - record.val_recall) * cells
    return cells - missed + (1 - record.val_accuracy - missed)


def _largest_loss(record: EpochRecord) -> float:
    return max(record.train_loss, record.val_loss)


def _usual_loss(training: WatchedTraining) -> float:
    return max(training.constant_loss or 0.0, UNTRAINED)
