"""The events of a training, as records of plain numbers for its callbacks, and the progress from which a training can be resumed.

Times are wall-clock seconds. Records count epochs from 1; the progress counts those that are finished.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from minunet.inference.metrics import ConfusionCounts
from minunet.training.watch_record import TrainingWarning


@dataclass(frozen=True)
class StartRecord:
    """Training starts, or is resumed after `step` steps."""

    epochs: int
    batches: int  # in an epoch
    step: int


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step is done; loss and Dice are those of the epoch so far, on the training images."""

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
        Optimizer steps done so far, in all epochs.
    lr : float
        Learning rate of the epoch's last step.
    train_loss, train_dice, train_iou : float
        Over the training images of the epoch's steps: augmented, each with the weights of its step.
    val_loss, val_dice, val_iou, val_precision, val_recall, val_accuracy, val_keras_accuracy : float
        Over the pixels of all validation images after the epoch; the loss is the one that is trained, the others are defined in
        `minunet.inference.metrics`.
    val_baseline : float
        Accuracy on the validation images of predicting background everywhere.
    seconds : float
        Duration of the epoch, validation included.
    best : bool
        Whether it is better on validation than every earlier epoch.
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
        """The values by name, in the order of the columns."""
        return asdict(self)


COLUMNS = tuple(column.name for column in fields(EpochRecord))


class Callback:
    """Base of callbacks, which the trainer calls at each event; override the methods that are of interest."""

    def on_start(self, record: StartRecord) -> None:
        """Training starts or is resumed."""

    def on_step(self, record: StepRecord) -> None:
        """A step is done."""

    def on_epoch_end(self, record: EpochRecord) -> None:
        """An epoch and its validation are done."""

    def on_warning(self, record: TrainingWarning) -> None:
        """Something goes wrong; called after `on_epoch_end`, once for each kind of warning."""

    def on_interrupt(self, resumable: bool) -> None:
        """Training stops early, on request or because of an error.

        Parameters
        ----------
        resumable : bool
            Whether a state can be saved from which training goes on exactly. It is False where weights and progress may not
            belong together, or if there is no time for saving.
        """

    def on_end(self) -> None:
        """The last epoch is done."""


@dataclass
class TrainingProgress:
    """The progress of a training. Saved with the weights and the moments, so that a resumed training has the same result.

    Attributes
    ----------
    epoch, step : int
        Epochs and optimizer steps that are finished.
    batch, images, loss, overlap, seconds
        Of the unfinished epoch: batches and images done, the sum of their losses, their pixel counts, and the time.
    best_epoch, best_value : int, float
        The best epoch so far (0: none yet) and its value of the monitored measure.
    history : list of EpochRecord
    warnings : list of TrainingWarning
        What was said, in the order in which it was noticed.
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    images: int = 0
    loss: float = 0.0
    overlap: ConfusionCounts = field(default_factory=ConfusionCounts)
    seconds: float = 0.0
    best_epoch: int = 0
    best_value: float | None = None
    history: list[EpochRecord] = field(default_factory=list)
    warnings: list[TrainingWarning] = field(default_factory=list)

    def begin_epoch(self) -> None:
        """Reset the sums for the next epoch."""
        self.batch = self.images = 0
        self.loss = self.seconds = 0.0
        self.overlap = ConfusionCounts()

    def to_dict(self) -> dict[str, Any]:
        """The values for JSON, which keeps floats exactly; without history and warnings, which are stored separately."""
        return {name: value for name, value in asdict(self).items() if name not in ("history", "warnings")}

    @classmethod
    def from_dict(cls, values: dict[str, Any], history: list[dict[str, Any]]) -> TrainingProgress:
        """The progress from the result of `to_dict` and the rows of the history."""
        overlap = ConfusionCounts(**values["overlap"])
        return cls(**{**values, "overlap": overlap}, history=[EpochRecord(**row) for row in history])
