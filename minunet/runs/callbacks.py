"""The callbacks of a training run: a progress bar, a line for each epoch, history.csv, the checkpoints and the curves.

Each does one thing with the records of the trainer; functions that draw or save are given to its constructor.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from minunet.cli.console import duration, say_item
from minunet.cli.streams import SteadyStream
from minunet.inference.metrics import trivial_accuracy, trivial_dice
from minunet.progress_bars import bar_class
from minunet.runs.history_file import HistoryFile
from minunet.training.events import Callback, EpochRecord, StartRecord, StepRecord
from minunet.training.watch_record import TrainingWarning

LINE_INTERVAL = 60.0  # seconds between two lines of progress where stderr is not a terminal

HEADER = (
    "           validation                                     training\n"
    "  epoch    Dice  trivial     IoU accuracy trivial    loss    loss   time   left"
)
LEGEND = "  (trivial: the better of calling everything cell and everything background;\n  *: best so far)"


class ProgressBar(Callback):
    """A bar over all steps with the time left, loss and Dice; where stderr is not a terminal, a line each minute.

    Parameters
    ----------
    stream : text file, optional
        stderr unless given.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self.stream = stream or sys.stderr or io.StringIO()  # pythonw has no stderr
        self._lines = SteadyStream(self.stream, lambda error: None, unread=False)
        self.clock = clock
        self._bar: Any = None

    def on_start(self, record: StartRecord) -> None:
        self._start = record
        self._terminal = self._lines.isatty()
        self._began = self._last_line = self.clock()
        if self._terminal:
            self._bar = bar_class()(
                total=record.epochs * record.batches,
                initial=record.step,
                file=self.stream,
                dynamic_ncols=True,
                leave=False,
                smoothing=0,  # the mean over all steps: with a moving average a validation would change the time left
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}",
            )

    def on_step(self, record: StepRecord) -> None:
        if self._bar is not None:
            self._bar.set_description_str(f"epoch {record.epoch}/{self._start.epochs}", refresh=False)
            self._bar.set_postfix_str(f"loss {record.loss:.3f}, Dice {record.dice:.3f}", refresh=False)
            self._bar.update()
            return
        now = self.clock()
        if now - self._last_line < LINE_INTERVAL:
            return
        self._last_line = now
        done = record.step - self._start.step
        left = (now - self._began) / done * (self._start.epochs * self._start.batches - record.step)
        self._lines.write(
            f"epoch {record.epoch}/{self._start.epochs}, step {record.batch}/{self._start.batches}: "
            f"loss {record.loss:.3f}, Dice {record.dice:.3f}, {duration(left)} left\n"
        )
        self._lines.flush()

    def on_epoch_end(self, record: EpochRecord) -> None:
        self._last_line = self.clock()  # the line of the epoch says more

    def on_interrupt(self, resumable: bool) -> None:
        self._close()

    def on_end(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class EpochLines(Callback):
    """One line for each epoch: Dice and IoU first, the accuracy beside that of predicting background everywhere.

    Parameters
    ----------
    say : callable
        Called with a line, which is printed above a progress bar.
    """

    def __init__(self, say: Callable[[str], None] = print):
        self.say = say
        self._seconds: list[float] = []

    def on_start(self, record: StartRecord) -> None:
        self._epochs = record.epochs
        if record.step < record.epochs * record.batches:
            self._say_above_bar(f"{LEGEND}\n{HEADER}")

    def on_epoch_end(self, record: EpochRecord) -> None:
        self._seconds.append(record.seconds)
        left = sum(self._seconds) / len(self._seconds) * (self._epochs - record.epoch)
        best = "*" if record.best else " "
        cells = 1 - record.val_baseline
        self._say_above_bar(
            f"{f'{record.epoch}/{self._epochs}':>7}  {record.val_dice:.4f}{best}  {trivial_dice(cells):.4f}  "
            f"{record.val_iou:.4f}   {record.val_accuracy:.4f}  {trivial_accuracy(cells):.4f} {_loss(record.val_loss)} "
            f"{_loss(record.train_loss)} {duration(record.seconds):>6} {duration(left):>6}"
        )

    def _say_above_bar(self, line: str) -> None:
        with bar_class().external_write_mode():
            self.say(line)


class WarningLines(Callback):
    """A line for each warning, as it is noticed.

    Parameters
    ----------
    say : callable
        Called with each line, which is printed above a progress bar.
    """

    def __init__(self, say: Callable[[str], None] = print):
        self.say = say

    def on_warning(self, record: TrainingWarning) -> None:
        with bar_class().external_write_mode():
            say_item(self.say, "warning", f"epoch {record.epoch}: {record.message}")


class WarningWriter(Callback):
    """Writes warnings.json again with each new warning.

    Parameters
    ----------
    write : callable
        Called with all warnings so far.
    warnings : sequence of TrainingWarning
        Those of a run that is resumed.
    """

    def __init__(self, write: Callable[[Sequence[TrainingWarning]], None], warnings: Sequence[TrainingWarning] = ()):
        self.write, self.warnings = write, list(warnings)

    def on_start(self, record: StartRecord) -> None:
        self.write(self.warnings)

    def on_warning(self, record: TrainingWarning) -> None:
        self.warnings.append(record)
        self.write(self.warnings)


def _loss(value: float) -> str:
    """A loss in seven columns, whatever it is."""
    return f"{value:7.4f}" if value < 99 else f"{value:7.2g}"


class HistoryWriter(Callback):
    """Appends a row to history.csv after each epoch, so that other programs can follow the run.

    Parameters
    ----------
    history : HistoryFile
    """

    def __init__(self, history: HistoryFile):
        self.history = history

    def on_epoch_end(self, record: EpochRecord) -> None:
        self.history.append(record)


class CheckpointWriter(Callback):
    """Saves the best model and the last state.

    Parameters
    ----------
    save_best, save_last : callable
        Write model.safetensors and last.safetensors. The first is called after each epoch that is the best so far; the second
        after every epoch, and when training stops between two steps.
    """

    def __init__(self, save_best: Callable[[EpochRecord], None], save_last: Callable[[], None]):
        self.save_best, self.save_last = save_best, save_last

    def on_epoch_end(self, record: EpochRecord) -> None:
        if record.best:
            self.save_best(record)
        self.save_last()

    def on_interrupt(self, resumable: bool) -> None:
        if resumable:
            self.save_last()


class CurveDrawer(Callback):
    """Draws curves.png during the training, at most once a minute, and when it stops.

    Parameters
    ----------
    draw : callable
        Draws the history so far; also called at the end of a training that had nothing left to do.
    every : float
        Seconds between two drawings, since one takes about as long as a small epoch.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, draw: Callable[[], None], every: float = 60.0, clock: Callable[[], float] = time.monotonic):
        self.draw, self.every, self.clock = draw, every, clock
        self._drawn = clock()

    def on_epoch_end(self, record: EpochRecord) -> None:
        if self.clock() - self._drawn >= self.every:
            self.draw()
            self._drawn = self.clock()

    def on_interrupt(self, resumable: bool) -> None:
        if resumable:
            self.draw()

    def on_end(self) -> None:
        self.draw()
