"""A training run from data to scores: batches, model, trainer and files put together, with messages about its progress.

`python -m minunet.train` uses it, and the experiments of the paper; a program can use it with a `TrainConfig` and a `Split`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from minunet.cell_packages import missing_packages
from minunet.cli.console import say_item
from minunet.cli.interruption import StopOnSignal, StoppedBySignal
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.inference.mask_limits import MaskLimits
from minunet.kernels.cpu import memory_pool
from minunet.nn.optim import Adam
from minunet.ranks import Ranks
from minunet.resources import share_cores
from minunet.runs.callbacks import (
    CheckpointWriter,
    CurveDrawer,
    EpochLines,
    HistoryWriter,
    ProgressBar,
    WarningLines,
    WarningWriter,
)
from minunet.runs.checkpoint_files import CheckpointFiles
from minunet.runs.final_test import FinalTest
from minunet.runs.first_weights import seen_before
from minunet.runs.history_file import HistoryFile
from minunet.runs.memory_limit import OverMemoryLimit, describe_choice, fit_settings
from minunet.runs.metrics_file import read_metrics
from minunet.runs.peak_forecast import PeakForecast
from minunet.runs.run_batches import RunBatches
from minunet.runs.run_folder import RunFolder
from minunet.runs.run_messages import (
    announce_cell_sizes,
    announce_cells,
    announce_memory,
    announce_precision,
    announce_result,
    announce_stop,
    announce_time,
    announce_training,
)
from minunet.runs.run_network import RunNetwork
from minunet.runs.run_pictures import draw_augmentation, draw_curves
from minunet.runs.shared_training import TrainerParts, check_gpus, train_share
from minunet.runs.time_plan import forecast
from minunet.runs.train_config import TrainConfig
from minunet.runs.warnings_file import write_warnings
from minunet.training.divergence import Diverged
from minunet.training.events import Callback, TrainingProgress
from minunet.training.micro_batches import MicroBatches
from minunet.training.trainer import Interrupted
from minunet.training.watch import TrainingWatch
from minunet.training.watch_rules import slower

STOPPING = "Stopping after this step; everything will be saved. Ctrl-C again stops at once."


class TrainingRun:
    """A training with its folder.

    Parameters
    ----------
    config : TrainConfig
        Without problems: `config.problems()` is empty.
    folder : RunFolder
        Exists and can be written to.
    split : Split
    resume : bool
        Resume from the last.safetensors of the folder, if there is one.
    say : callable
        Called with each line of text.
    bar : bool
        Whether to show progress on stderr.
    callbacks : sequence of Callback
        Called after those of the run itself.
    ranks : Ranks, optional
        Processes that share the training, of which this one is rank 0; the settings then have a `micro_batch`.

    Raises
    ------
    UserError
        If the data, the device or the stored state cannot be used, or there is not enough memory for the network.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: RunFolder,
        split: Split,
        *,
        resume: bool = False,
        say: Callable[[str], None] = print,
        bar: bool = True,
        callbacks: Sequence[Callback] = (),
        ranks: Ranks | None = None,
    ):
        self._began = time.monotonic()
        self._why_no_curves: str | None = None
        self._peak: float | None = None
        network = RunNetwork(config, begins=not (resume and os.path.lexists(folder.last)))
        self._origin = network.origin
        self.model, self.loss, self.plan = network.model, network.loss, network.plan
        # When the run is resumed, it keeps the precision that "auto" means now.
        config = replace(config, precision=self.plan.machine.precision)
        self.config, self.folder, self.split, self.say, self.bar = config, folder, split, say, bar
        self.callbacks = callbacks
        self.preprocessing = config.preprocessing()
        self.ranks = Ranks() if ranks is None else ranks
        self.batches = RunBatches(config, split, self.plan.machine.device, self.ranks)
        self.training, self.validation = self.batches.training, self.batches.validation
        self.optimizer = Adam(self.model.parameters())
        self.checkpoints = CheckpointFiles(config, folder, self.model, self.optimizer)
        self.progress = self.checkpoints.restore(len(self.training)) if resume else TrainingProgress()
        self.config = self.checkpoints.config  # that of a run that was made longer says so

    def finished(self) -> bool:
        """Whether all epochs and the test are done."""
        if self.progress.epoch < self.config.epochs or not self.folder.metrics.is_file():
            return False
        return read_metrics(self.folder.metrics, "epochs")["epochs"] == self.config.epochs

    def load(self) -> None:
        """Read and prepare every image, with a progress bar."""
        problem = None
        device = self.plan.machine.device
        self.ranks.start(train_share, replace(self.config, device=device), self.split)
        try:
            self.batches.load(self.bar)
        except (UserError, MemoryError) as error:
            problem = error
        self.ranks.gather(None, problem)
        check_gpus(device, self.ranks)
        self.checkpoints.training_images = self.training.training_images

    def fit_memory(self, *, keep_batches: bool = False, may_recompute: bool = True) -> None:
        """Choose batch size and `recompute` so that the run fits under its `max_memory`, and print what was chosen.

        Parameters
        ----------
        keep_batches, may_recompute
            As for `fit_settings`.

        Raises
        ------
        OverMemoryLimit
            If nothing fits; it says what would.
        """
        given = self.config
        if self.plan.machine.device != "cpu" and not self.plan.fused:
            raise OverMemoryLimit(
                "--max-memory: on a GPU the memory of a training is known where its steps are CUDA graphs, and these are not "
                f"({self.plan.why_not_fused}); leave it out, or train with --device cpu."
            )
        forecasts = self._forecasts()
        chosen, self._peak = fit_settings(
            given,
            forecasts.peak,
            keep_batches=keep_batches,
            may_recompute=may_recompute and not self.plan.fused,  # which always does
            multiple=8 if self.plan.fused else 1,
        )
        say_item(self.say, "limit", describe_choice(given, chosen, self._peak))
        self.config = self.checkpoints.config = chosen
        self.model.recompute = chosen.recompute
        self.batches.set_batch_size(chosen.batch_size)

    def describe(self) -> None:
        """Print what will be trained, and the memory and the time that it will take."""
        config, steps = self.config, len(self.training)
        limits = (
            MaskLimits.of(masks for _, masks, _ in self.validation.epoch(0)) if config.mask == "grayscale" else None
        )
        announce_training(self.say, config, steps, self.model.parameters(), limits)
        if self._origin:
            say_item(self.say, "begins", *self._origin)
            if warning := seen_before(config, self.split):
                say_item(self.say, "warning", warning)
        announce_cell_sizes(self.say, config, self.checkpoints.training_images, self.training.image_sizes)
        # Memory first: where it is too little, the system may end this process in the timed step.
        peak = self._forecasts().peak(config) if self._peak is None else self._peak
        announce_memory(self.say, self.plan, peak, config.max_memory, self.ranks)
        if self.plan.machine.device == "cuda":
            announce_precision(self.say, self.plan)
        if config.recompute and self.plan.fused:
            self.say("--recompute changes nothing here: the fused step always recomputes what is cheap to recompute")
        with self._enough_memory():
            cost = forecast(self.model, self.loss, self.training, self.plan, division=self._division())
        announce_time(self.say, cost.epoch(self.training, self.validation), config.epochs - self.progress.epoch)
        if self.progress.step:
            at = f"epoch {self.progress.epoch + 1}, step {self.progress.batch + 1}"
            say_item(self.say, "resumed", f"at {at}" if self.progress.epoch < config.epochs else "at the test")

    def fit(self) -> None:
        """Train, and write the files of the folder after each epoch.

        Raises
        ------
        StoppedBySignal
            After Ctrl-C; everything is saved.
        UserError
            If the loss is no longer finite, or memory or disk is full.
        """
        config, folder = self.config, self.folder
        watch = TrainingWatch(
            self.model,
            self.loss,
            self.validation,
            epochs=config.epochs,
            lr=config.lr,
            class_weights=config.class_weights,
        )
        self.progress.warnings = watch.still_true(self.progress.warnings)
        history = HistoryFile(folder.history)
        history.begin(self.progress.history)
        draw_augmentation(folder.augmentation, self.training, self.split.train)
        if self.ranks.size > 1:
            self.ranks.wait()
            self.ranks.share(config)
        trainer = TrainerParts(
            self.model, self.optimizer, self.loss, self.plan, self.training, self.validation, self.ranks
        ).trainer(
            config,
            self.progress,
            [
                HistoryWriter(history),
                CheckpointWriter(self.checkpoints.save_best, lambda: self.checkpoints.save_last(self.progress)),
                EpochLines(self.say),
                WarningWriter(functools.partial(write_warnings, folder.warnings), self.progress.warnings),
                WarningLines(self.say),
                CurveDrawer(self._draw_curves),
                *([ProgressBar()] if self.bar else []),
                *self.callbacks,
            ],
            watch,
        )
        with self._enough_memory(), StopOnSignal(trainer.request_stop, STOPPING) as interruption:
            try:
                trainer.fit()
                self.ranks.finish()
                if self.ranks.size > 1:
                    share_cores([()])  # the others have nothing to do any more: the test may use all cores
                if interruption.signal is not None:  # it came after the last step, or after the last epoch was saved
                    raise Interrupted(resumable=True)
            except KeyboardInterrupt as error:
                resumable = getattr(error, "resumable", False)
                announce_stop(self.say, folder, self.progress, config.epochs, len(self.training), resumable)
                raise StoppedBySignal(interruption.signal or signal.SIGINT) from error
            except Diverged as error:
                raise UserError(f"{error}: {slower(config.lr)}. {self.checkpoints.describe(self.progress)}") from error

    def finish(self) -> dict[str, Any]:
        """Score the best model on the test images, draw its predictions, and write metrics.json.

        Returns
        -------
        dict
            The content of metrics.json.
        """
        try:
            return self._test()
        except KeyboardInterrupt:
            say_item(self.say, "stopped", "during the test, after the last epoch; nothing is lost")
            raise

    def _test(self) -> dict[str, Any]:
        memory_pool.pool().release()  # of the steps: scoring, cells and pictures need memory of their own
        machine, batches = self.plan.machine, self.batches.test
        test = FinalTest(self.folder, self.split, batches, self.preprocessing, self.loss, machine, self.bar)
        result, choice = test.run(self.progress)
        reading = self.preprocessing.reading
        announce_cells(self.say, choice, missing_packages(), numbered=reading is not None and reading.numbered)
        seconds = time.monotonic() - self._began
        announce_result(self.say, self.config, self.folder, result, self._why_no_curves, seconds)
        return result

    def _forecasts(self) -> PeakForecast:
        return PeakForecast(self.config, self.model, self.loss, self.plan, self.training, self.validation)

    def _division(self) -> MicroBatches | None:
        part = self.config.micro_batch
        return None if part is None else MicroBatches(part, self.ranks.rank, self.ranks.size)

    def _draw_curves(self) -> None:
        self._why_no_curves = draw_curves(self.folder.curves, self.progress.history)

    @contextlib.contextmanager
    def _enough_memory(self) -> Iterator[None]:
        try:
            yield
        except MemoryError as error:
            where = f" ({error})" if self.ranks.size > 1 else ""
            raise UserError(
                f"there is not enough memory for a step{where}: lower --batch-size, --size or --base-channels. "
                f"{self.checkpoints.describe(self.progress)}"
            ) from error
