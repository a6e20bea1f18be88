"""What listens to the trainer: a progress bar, a line per epoch, history.csv, the two checkpoints and the curves.

Each is told records and does one thing with them; how to draw or save it was given when it was made.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

from minunet.cli.console import duration
from minunet.training.events import Callback, EpochRecord, StartRecord, StepRecord

QUIET = 60.0  # seconds between two lines of progress where there is no terminal to draw a bar on

HEADER = (
    "            validation                                 training\n"
    "  epoch     Dice     IoU  accuracy  all-bg     loss      loss    time    left"
)
LEGEND = "  (all-bg: the accuracy of calling every pixel background; *: best so far)"


class ProgressBar(Callback):
    """A bar over all steps with the time left, loss and Dice; a line a minute where stderr is no terminal.

    Parameters
    ----------
    stream : text file, optional
        stderr unless given.
    clock : callable
        Seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self.stream = sys.stderr if stream is None else stream
        self.clock = clock
        self._bar: tqdm | None = None

    def on_start(self, record: StartRecord) -> None:
        self._start = record
        self._terminal = self.stream.isatty()
        self._began = self._spoke = self.clock()
        self._bar = tqdm(
            total=record.epochs * record.batches,
            initial=record.step,
            file=self.stream,
            disable=not self._terminal,
            dynamic_ncols=True,
            leave=False,
            smoothing=0,  # the mean over all steps, so that the pause of a validation does not shake the time left
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}",
        )

    def on_step(self, record: StepRecord) -> None:
        if self._terminal:
            self._bar.set_description_str(f"epoch {record.epoch}/{self._start.epochs}", refresh=False)
            self._bar.set_postfix_str(f"loss {record.loss:.3f}, Dice {record.dice:.3f}", refresh=False)
            self._bar.update()
            return
        now = self.clock()
        if now - self._spoke < QUIET:
            return
        self._spoke = now
        done = record.step - self._start.step
        left = (now - self._began) / done * (self._start.epochs * self._start.batches - record.step)
        self.stream.write(
            f"epoch {record.epoch}/{self._start.epochs}, step {record.batch}/{self._start.batches}: "
            f"loss {record.loss:.3f}, Dice {record.dice:.3f}, {duration(left)} left\n"
        )
        self.stream.flush()

    def on_epoch_end(self, record: EpochRecord) -> None:
        self._spoke = self.clock()  # the epoch's own line says more

    def on_interrupt(self, resumable: bool) -> None:
        self._bar.close()

    def on_end(self) -> None:
        self._bar.close()


class EpochLines(Callback):
    """One line per epoch, Dice and IoU first, and the accuracy beside what calling everything background would get.

    Parameters
    ----------
    say : callable
        Takes a line; a bar on the terminal makes way for it.
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
        self._say_above_bar(
            f"{f'{record.epoch}/{self._epochs}':>7}   {record.val_dice:.4f}{'*' if record.best else ' '} "
            f"{record.val_iou:.4f}    {record.val_accuracy:.4f}  {record.val_baseline:.4f}  {record.val_loss:7.4f}   "
            f"{record.train_loss:7.4f}  {duration(record.seconds):>6}  {duration(left):>6}"
        )

    def _say_above_bar(self, line: str) -> None:
        with tqdm.external_write_mode():
            self.say(line)


class HistoryWriter(Callback):
    """Appends a row to history.csv after each epoch, so that a run can be followed from outside.

    Parameters
    ----------
    history : HistoryFile
    """

    def __init__(self, history: Any):
        self.history = history

    def on_epoch_end(self, record: EpochRecord) -> None:
        self.history.append(record)


class Checkpoints(Callback):
    """Keeps the best model and the latest state.

    Parameters
    ----------
    save_best, save_last : callable
        Write model.safetensors and last.safetensors; called after an epoch that is the best yet, and after every epoch and
        at a stop between steps.
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


class Curves(Callback):
    """Draws curves.png now and then while training runs, and when it stops.

    Parameters
    ----------
    draw : callable
        Draws the history so far; called at the end of training even where nothing was left to train.
    every : float
        Seconds between two drawings; a drawing takes about as long as a small epoch.
    clock : callable
        Seconds.
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
