"""The time that a paper study will take: the work left for each experiment, times one measured step of its kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minunet.cli.console import duration
from minunet.data.batches import Batches
from minunet.data.split import Split
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.study_folder import StudyFolder
from minunet.files.json_files import LARGEST
from minunet.files.reading import read_regular
from minunet.fused.step_plan import StepPlan
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet
from minunet.runs.time_plan import Forecast, forecast
from minunet.training.loss import LOSSES
from minunet.wording import count_noun

OVERHEAD = 1.0  # seconds of an experiment besides its training: files, curves and pictures


@dataclass(frozen=True)
class ExperimentEstimate:
    """The work left for an experiment, and its estimated time.

    Attributes
    ----------
    experiment : Experiment
    epochs : int
        Epochs done.
    steps : int
        Steps an epoch.
    done : bool
        Whether it is finished, test included.
    seconds : float
        Estimated time of what is left; 0 where it is done.
    """

    experiment: Experiment
    epochs: int
    steps: int
    done: bool
    seconds: float

    def line(self) -> str:
        """For the printed plan, of at most 80 columns."""
        variation = self.experiment.variation
        title = variation.title + (f", seed {self.experiment.seed}" if self.experiment.seed else "")
        work = f"{count_noun(variation.config.epochs, 'epoch')} of {count_noun(self.steps, 'step')}"
        if self.epochs and not self.done:
            work = f"{self.epochs} of {variation.config.epochs} epochs done"
        return f"  {title:<47} {work:<22} {'done' if self.done else duration(self.seconds):>7}"


class TimeEstimator:
    """Measures steps and estimates experiments.

    Parameters
    ----------
    folder : StudyFolder
    split : Split
        Of the pairs as given.
    prepared : PreparedImages
    machine : Machine
    measure : callable
        `forecast`, or a replacement of it.
    """

    def __init__(
        self,
        folder: StudyFolder,
        split: Split,
        prepared: PreparedImages,
        machine: Machine,
        measure: Callable[..., Forecast] = forecast,
    ):
        self.folder, self.split, self.prepared, self.machine, self.measure = folder, split, prepared, machine, measure
        self._forecasts: dict[tuple[Hashable, ...], Forecast] = {}

    def plan(self, experiments: Sequence[Experiment]) -> list[ExperimentEstimate]:
        """Estimate each experiment; a step is measured once for all that share network and image size."""
        return [self._estimate(experiment) for experiment in experiments]

    def _estimate(self, experiment: Experiment) -> ExperimentEstimate:
        config, run = experiment.variation.config, self.folder.run(experiment)
        split = experiment.split(self.split, self.prepared)
        steps = _batch_count(split.train, config.batch_size)
        if run.metrics.is_file():
            return ExperimentEstimate(experiment, config.epochs, steps, True, 0.0)
        epochs = _count_lines(run.history) - 1 if run.history.is_file() and run.last.is_file() else 0
        cost = self._forecast(experiment, split)
        # The test images are scored once, at the cost of a validation.
        scored = _batch_count(split.validation, config.batch_size) * (config.epochs - epochs)
        scored += _batch_count(split.test, config.batch_size)
        seconds = OVERHEAD + (config.epochs - epochs) * steps * (cost.step + cost.batch) + scored * cost.validation
        return ExperimentEstimate(experiment, epochs, steps, False, seconds)

    def _forecast(self, experiment: Experiment, split: Split) -> Forecast:
        config = experiment.variation.config
        architecture = config.architecture()
        first_pairs = split.train[: config.batch_size]
        key = (*architecture.items(), config.size, len(first_pairs))
        if key not in self._forecasts:
            batches = Batches(first_pairs, config.preprocessing(), config.batch_size).load()
            model, loss, device = UNet(**architecture), LOSSES[config.loss], self.machine.device
            plan = StepPlan.choose(model, loss, config.height_and_width, device=device, clip=config.clip or None)
            model.to(device)
            self._forecasts[key] = self.measure(model, loss, batches, plan)
        return self._forecasts[key]


class RemainingTime:
    """The time left, corrected by how long the finished experiments took compared with their estimates."""

    def __init__(self, plan: Sequence[ExperimentEstimate], clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self._left = sum(estimate.seconds for estimate in plan)
        self._estimated = self._spent = 0.0

    def start(self) -> None:
        """Start the clock for an experiment."""
        self._began = self.clock()

    def stop(self, estimate: ExperimentEstimate) -> float:
        """Stop the clock; return the seconds that the experiment took."""
        spent = self.clock() - self._began
        self._spent += spent
        self._estimated += estimate.seconds
        self._left = max(0.0, self._left - estimate.seconds)
        return spent

    def remaining(self) -> float:
        """The remaining seconds."""
        return self._left * (self._spent / self._estimated if self._estimated else 1.0)


def _batch_count(pairs: Sequence[Any], batch_size: int) -> int:
    return -(-len(pairs) // batch_size)


def _count_lines(path: Path) -> int:
    """The lines of a file; 1, as of a history without epochs, where it cannot be read."""
    try:
        return len(read_regular(path, LARGEST).splitlines())
    except OSError:
        return 1
