"""A training run from data to scores: batches, model, trainer and files put together, with messages about its progress.

`python -m minunet.train` uses it, and the experiments of the paper; a program can use it with a `TrainConfig` and a `Split`.
"""

from __future__ import annotations

import contextlib
import math
import platform
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_packages import missing_packages
from minunet.checkpoints.model_file import load_model, save_model
from minunet.cli.console import FileProgressBar, say_item
from minunet.cli.interruption import StopOnSignal, StoppedBySignal
from minunet.data.batches import Batches
from minunet.data.fitting_size import cell_size_warnings
from minunet.data.pairs import Pair
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.files.json_files import write_json
from minunet.fused.step_plan import StepPlan
from minunet.inference.cell_calibration import calibrate_cells
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.scoring import score
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.resources import total_memory
from minunet.runs.callbacks import CheckpointWriter, CurveDrawer, EpochLines, HistoryWriter, ProgressBar
from minunet.runs.checkpoint_files import CheckpointFiles
from minunet.runs.history_file import HistoryFile
from minunet.runs.memory_limit import OverMemoryLimit, check_weights, describe_choice, fit_settings
from minunet.runs.memory_plan import peak_so_far
from minunet.runs.metrics_file import read_metrics
from minunet.runs.peak_forecast import PeakForecast
from minunet.runs.run_folder import RunFolder
from minunet.runs.run_messages import (
    announce_cells,
    announce_memory,
    announce_precision,
    announce_result,
    announce_stop,
    announce_time,
    announce_training,
)
from minunet.runs.run_pictures import draw_augmentation, draw_curves, draw_predictions
from minunet.runs.time_plan import forecast
from minunet.runs.train_config import TrainConfig
from minunet.training.events import TrainingProgress
from minunet.training.loss import LOSSES, without_ignored
from minunet.training.schedule import Schedule
from minunet.training.trainer import Diverged, Interrupted, Trainer
from minunet.version import __version__

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
    ):
        self._began = time.monotonic()
        self._why_no_curves: str | None = None
        self._peak: float | None = None
        check_weights(config, total_memory())
        # The weights have a generator of their own, so that the batches do not depend on the size of the network.
        self.model = UNet(**config.architecture(), rng=np.random.default_rng(config.seed))
        self.model.recompute = config.recompute
        ignores = config.reading is not None and config.reading.ignore is not None
        self.loss = without_ignored(config.loss) if ignores else LOSSES[config.loss]
        self.plan = StepPlan.choose(
            self.model,
            LOSSES[config.loss],
            config.height_and_width,
            device=config.device,
            precision=config.precision,
            threads=config.threads,
            clip=config.clip or None,
            ignores_pixels=ignores,
        )
        self.model.to(self.plan.machine.device)
        # When the run is resumed, it keeps the precision that "auto" means now.
        config = replace(config, precision=self.plan.machine.precision)
        self.config, self.folder, self.split, self.say, self.bar = config, folder, split, say, bar
        self.preprocessing = config.preprocessing()
        self.training = self._batches(split.train, augment=config.augment, shuffle=True, measure=True)
        self.validation = self._batches(split.validation)
        self.test = self._batches(split.test)
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
        for batches, name in ((self.training, "training"), (self.validation, "validation"), (self.test, "test")):
            with FileProgressBar(f"preparing {name} images", show=self.bar) as progress:
                batches.load(progress)
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
        for batches in (self.training, self.validation, self.test):
            batches.batch_size = chosen.batch_size

    def describe(self) -> None:
        """Print what will be trained, and the memory and the time that it will take."""
        config, steps = self.config, len(self.training)
        limits = (
            MaskLimits.of(masks for _, masks, _ in self.validation.epoch(0)) if config.mask == "grayscale" else None
        )
        announce_training(self.say, config, steps, self.model.parameters(), limits)
        if config.size is not None and self.checkpoints.training_images is not None:
            cells = self.checkpoints.training_images.cell_diameter
            sizes = self.training.image_sizes
            for warning in cell_size_warnings(cells, config.size, sizes, least=2**config.depth):
                say_item(self.say, "warning", warning)
        # Memory first: where it is too little, the system may end this process in the timed step.
        peak = self._forecasts().peak(config) if self._peak is None else self._peak
        announce_memory(self.say, self.plan, peak, config.max_memory)
        if self.plan.machine.device == "cuda":
            announce_precision(self.say, self.plan)
        if config.recompute and self.plan.fused:
            self.say("--recompute changes nothing here: the fused step always recomputes what is cheap to recompute")
        with self._enough_memory():
            cost = forecast(self.model, self.loss, self.training, self.plan)
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
        history = HistoryFile(folder.history)
        history.begin(self.progress.history)
        draw_augmentation(folder.augmentation, self.training, self.split.train)
        trainer = Trainer(
            self.model,
            self.optimizer,
            Schedule(
                config.schedule,
                config.lr,
                config.epochs * len(self.training),
                tuple(epochs * len(self.training) for epochs in config.extended),
            ),
            self.loss,
            self.training,
            self.validation,
            epochs=config.epochs,
            monitor=config.monitor,
            plan=self.plan,
            callbacks=[
                HistoryWriter(history),
                CheckpointWriter(self.checkpoints.save_best, lambda: self.checkpoints.save_last(self.progress)),
                EpochLines(self.say),
                CurveDrawer(self._draw_curves),
                *([ProgressBar()] if self.bar else []),
            ],
            progress=self.progress,
        )
        with self._enough_memory(), StopOnSignal(trainer.request_stop, STOPPING) as interruption:
            try:
                trainer.fit()
                if interruption.signal is not None:  # it came after the last step, or after the last epoch was saved
                    raise Interrupted(resumable=True)
            except KeyboardInterrupt as error:
                resumable = getattr(error, "resumable", False)
                announce_stop(self.say, folder, self.progress, config.epochs, len(self.training), resumable)
                raise StoppedBySignal(interruption.signal or signal.SIGINT) from error
            except Diverged as error:
                remedy = f"lower --lr, to {config.lr / 10:.1g} say, and start a new run"
                raise UserError(f"{error}: {remedy}. {self.checkpoints.describe(self.progress)}") from error

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
        folder, progress, machine = self.folder, self.progress, self.plan.machine
        best = progress.history[progress.best_epoch - 1]
        model = load_model(folder.model, machine.device, machine.precision)
        metrics, loss = score(model.forward_pass, self.test, self.loss)
        pooled, rows = metrics.result(), metrics.per_image()
        result = {
            "test": pooled,
            "test_mean_over_images": metrics.mean(),
            "test_trained_loss": loss,
            "test_images": rows,
            "validation": best.to_dict(),
            "best_epoch": best.epoch,
            "epochs": progress.epoch,
            "seconds": sum(record.seconds for record in progress.history),
            "parameters": sum(math.prod(parameter.shape) for parameter in self.model.parameters()),
            "peak_memory_bytes": peak_so_far(),
            "device": machine.device,
            "precision": machine.precision,
            "threads": machine.threads,
            "versions": {"minunet": __version__, "numpy": np.__version__, "python": platform.python_version()},
            "platform": platform.platform(),
        }
        choice = self._choose_cells(model)
        if choice is not None:
            result["cells"] = choice.to_dict()
        save_model(
            folder.model,
            model.model,
            self.preprocessing,
            metrics={**model.metrics, "test": pooled},
            extra=model.extra,
            cell_choice=choice,
            training_images=model.training_images,
        )
        draw_predictions(folder.predictions, model, self.split.test, {str(row["name"]): row for row in rows})
        write_json(folder.metrics, result)
        announce_cells(self.say, choice, missing_packages())
        announce_result(self.say, self.config, folder, result, self._why_no_curves, time.monotonic() - self._began)
        return result

    def _choose_cells(self, model: LoadedModel) -> CellChoice | None:
        """The settings of cells that suit the validation images; None without the packages for cells, or without cells."""
        if missing_packages() is not None:
            return None
        with FileProgressBar("choosing the settings of cells", show=self.bar) as progress:
            return calibrate_cells(model, self.split.validation, progress)

    def _batches(self, pairs: Sequence[Pair], **options: Any) -> Batches:
        config, limit = self.config, None
        if config.max_memory is not None and self.plan.machine.device == "cpu":  # the images take at most a third of it
            split = self.split
            limit = config.max_memory * len(pairs) // (3 * len([*split.train, *split.validation, *split.test]))
        return Batches(
            pairs,
            self.preprocessing,
            config.batch_size,
            lighting=config.lighting,
            seed=config.seed,
            limit=limit,
            **options,
        )

    def _forecasts(self) -> PeakForecast:
        return PeakForecast(self.config, self.model, self.loss, self.plan, self.training, self.validation)

    def _draw_curves(self) -> None:
        self._why_no_curves = draw_curves(self.folder.curves, self.progress.history)

    @contextlib.contextmanager
    def _enough_memory(self) -> Iterator[None]:
        try:
            yield
        except MemoryError as error:
            raise UserError(
                "there is not enough memory for a step: lower --batch-size, --size or --base-channels. "
                f"{self.checkpoints.describe(self.progress)}"
            ) from error
