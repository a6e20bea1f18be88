"""The plan of a lab: which experiments are still to do, and how long each will take, from one measured step of its kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minunet.cli.console import duration
from minunet.data.batches import Batches
from minunet.data.split import Split
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import Prepared
from minunet.experiments.study_folder import LabFolder
from minunet.runs.time_plan import Forecast, forecast
from minunet.training.loss import LOSSES
from minunet.wording import count_noun

OVERHEAD = 1.0  # seconds of an experiment that are not training: its files, its curves and pictures


@dataclass(frozen=True)
class Planned:
    """An experiment and what is left of it.

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
        What is left will take, estimated; 0 where it is done.
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


class Planner:
    """Measures steps and makes plans.

    Parameters
    ----------
    folder : LabFolder
    split : Split
        Of the pairs as given.
    prepared : Prepared
    device : {"cpu", "cuda"}
    measure : callable
        `forecast`, or what stands in for it.
    """

    def __init__(
        self,
        folder: LabFolder,
        split: Split,
        prepared: Prepared,
        device: str,
        measure: Callable[..., Forecast] = forecast,
    ):
        self.folder, self.split, self.prepared, self.device, self.measure = folder, split, prepared, device, measure
        self._costs: dict[tuple, Forecast] = {}

    def plan(self, experiments: Sequence[Experiment]) -> list[Planned]:
        """What each experiment still needs; a step is measured once for all that share their network and images' size."""
        return [self._planned(experiment) for experiment in experiments]

    def _planned(self, experiment: Experiment) -> Planned:
        config, run = experiment.variation.config, self.folder.run(experiment.name)
        split = experiment.split(self.split, self.prepared)
        steps = _batches(split.train, config.batch_size)
        if run.metrics.is_file():
            return Planned(experiment, config.epochs, steps, True, 0.0)
        epochs = len(run.history.read_text().splitlines()) - 1 if run.history.is_file() and run.last.is_file() else 0
        cost = self._cost(experiment, split)
        # The test images are looked at once, which takes no more than they would after an epoch.
        looks = _batches(split.validation, config.batch_size) * (config.epochs - epochs)
        looks += _batches(split.test, config.batch_size)
        seconds = OVERHEAD + (config.epochs - epochs) * steps * (cost.step + cost.batch) + looks * cost.validation
        return Planned(experiment, epochs, steps, False, seconds)

    def _cost(self, experiment: Experiment, split: Split) -> Forecast:
        config = experiment.variation.config
        architecture = config.architecture()
        first = split.train[: config.batch_size]
        key = (*architecture.items(), config.size, len(first))
        if key not in self._costs:
            batches = Batches(first, config.preprocessing(), config.batch_size).load()
            self._costs[key] = self.measure(architecture, LOSSES[config.loss], batches, self.device)
        return self._costs[key]


class Clock:
    """The time left, corrected by how long the finished experiments took against what was planned."""

    def __init__(self, plan: Sequence[Planned], clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.left = sum(planned.seconds for planned in plan)
        self._expected = self._spent = 0.0

    def start(self) -> None:
        """An experiment begins."""
        self._began = self.clock()

    def stop(self, planned: Planned) -> float:
        """It is finished; returns the seconds it took."""
        spent = self.clock() - self._began
        self._spent += spent
        self._expected += planned.seconds
        self.left = max(0.0, self.left - planned.seconds)
        return spent

    def remaining(self) -> float:
        """Seconds."""
        return self.left * (self._spent / self._expected if self._expected else 1.0)


def _batches(pairs: Sequence, size: int) -> int:
    return -(-len(pairs) // size)
