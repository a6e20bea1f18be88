"""What the trainer tells its callbacks, and what it has to remember to go on: plain numbers, no arrays, no files.

Times are wall-clock seconds; epochs count from 1 in what is told, and from 0 (finished ones) in what is remembered.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from minunet.inference.metrics import Overlap


@dataclass(frozen=True)
class StartRecord:
    """Training begins, or goes on after `step` steps."""

    epochs: int
    batches: int  # an epoch
    step: int


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step was taken; loss and Dice are those of the epoch so far, on the training images."""

    epoch: int
    batch: int  # of this epoch, from 1
    step: int  # of the whole training, from 1
    loss: float
    dice: float
    lr: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch is done: a row of history.csv.

    Attributes
    ----------
    epoch : int
        From 1.
    step : int
        Optimizer steps taken so far, in all epochs.
    lr : float
        Learning rate of the epoch's last step.
    train_loss, train_dice, train_iou : float
        Over the training images as the network saw them: augmented, while it was learning.
    val_loss, val_dice, val_iou, val_precision, val_recall, val_accuracy, val_keras_accuracy : float
        Over the pixels of all validation images after the epoch; the loss is the one trained on, the rest as defined
        in `minunet.inference.metrics`.
    val_baseline : float
        Accuracy on the validation images of calling every pixel background.
    seconds : float
        What the epoch took, validation included.
    best : bool
        Whether no earlier epoch was as good on validation.
    """

    epoch: int
    step: int
    lr: float
    train_loss: float
    train_dice: float
    train_iou: float
    val_loss: float
    val_dice: float
    val_iou: float
    val_precision: float
    val_recall: float
    val_accuracy: float
    val_keras_accuracy: float
    val_baseline: float
    seconds: float
    best: bool

    def to_dict(self) -> dict[str, Any]:
        """The row, in the order of the columns."""
        return asdict(self)


COLUMNS = tuple(column.name for column in fields(EpochRecord))


class Callback:
    """Is told what happens; override what is of interest."""

    def on_start(self, record: StartRecord) -> None:
        """Training begins or goes on."""

    def on_step(self, record: StepRecord) -> None:
        """A step was taken."""

    def on_epoch_end(self, record: EpochRecord) -> None:
        """An epoch and its validation are done."""

    def on_interrupt(self, resumable: bool) -> None:
        """Training stops early, also by an error.

        Unless `resumable`, weights and progress may not belong together, or there is no time to save.
        """

    def on_end(self) -> None:
        """The last epoch is done."""


@dataclass
class TrainingProgress:
    """How far a training has come, beside its weights and moments: saved with them, it lets the next step be the same step.

    Attributes
    ----------
    epoch, step : int
        Epochs finished, optimizer steps taken.
    batch, images, loss, overlap, seconds
        The unfinished epoch: batches and images trained on, the sum of their losses, their pixel counts, the time spent.
    best_epoch, best_value : int, float
        The best epoch so far (0: none yet) and its value of what is monitored.
    history : list of EpochRecord
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    images: int = 0
    loss: float = 0.0
    overlap: Overlap = field(default_factory=Overlap)
    seconds: float = 0.0
    best_epoch: int = 0
    best_value: float | None = None
    history: list[EpochRecord] = field(default_factory=list)

    def begin_epoch(self) -> None:
        """Forget the finished epoch's sums."""
        self.batch = self.images = 0
        self.loss = self.seconds = 0.0
        self.overlap = Overlap()

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold, floats exactly; the history is kept beside it and not in it."""
        return {name: value for name, value in asdict(self).items() if name != "history"}

    @classmethod
    def from_dict(cls, values: dict[str, Any], history: list[dict[str, Any]]) -> TrainingProgress:
        """Build from what `to_dict` gave, and the rows of the history."""
        overlap = Overlap(**values["overlap"])
        return cls(**{**values, "overlap": overlap}, history=[EpochRecord(**row) for row in history])
