"""Scores: what the finished trainings of a variation reached on the test images, averaged over their seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from minunet.experiments.bounds import Bounds
from minunet.experiments.experiment import Experiment, Variation
from minunet.experiments.study_folder import LabFolder
from minunet.files.json_files import read_json

MEASURES = ("loss", "keras_accuracy", "dice", "iou")


@dataclass(frozen=True)
class Scores:
    """The scores of a variation.

    Attributes
    ----------
    runs : tuple of dict
        One for each seed that is finished: its seed and every measure of the test images pooled, see `training.metrics`.
    bounds : Bounds or None
        What the test masks allow.
    diverged : tuple of int
        Seeds whose loss was no longer a number.
    """

    runs: tuple[Mapping[str, Any], ...]
    bounds: Bounds | None = None
    diverged: tuple[int, ...] = ()

    @property
    def loss(self) -> float:
        """Mean binary cross-entropy over the seeds, in nats."""
        return self._mean("loss")

    @property
    def keras_accuracy(self) -> float:
        """Mean over the seeds of the share of pixels where the rounded prediction equals the target as it is."""
        return self._mean("keras_accuracy")

    @property
    def dice(self) -> float:
        """Mean over the seeds."""
        return self._mean("dice")

    @property
    def iou(self) -> float:
        """Mean over the seeds."""
        return self._mean("iou")

    def spread(self, measure: str) -> float:
        """Standard deviation over the seeds (of a sample, n - 1 below the line); 0 for one seed."""
        return stdev(run[measure] for run in self.runs) if len(self.runs) > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "mean": {measure: self._mean(measure) for measure in MEASURES} if self.runs else None,
            "standard_deviation": {measure: self.spread(measure) for measure in MEASURES} if self.runs else None,
            "seeds": [dict(run) for run in self.runs],
            "diverged_seeds": list(self.diverged),
            "bounds": None if self.bounds is None else self.bounds.to_dict(),
        }

    def _mean(self, measure: str) -> float:
        return mean(run[measure] for run in self.runs)


def collect(
    variations: Mapping[str, Variation],
    seeds: Sequence[int],
    folder: LabFolder,
    bounds: Mapping[tuple, Bounds],
    diverged: Collection[str] = (),
) -> dict[str, Scores]:
    """The scores of every variation of which at least one seed came to an end.

    Parameters
    ----------
    variations : mapping of str to Variation
    seeds : sequence of int
    folder : LabFolder
    bounds : mapping
        By size and kind of targets.
    diverged : collection of str
        Names of experiments that diverged.
    """
    found = {}
    for key, variation in variations.items():
        experiments = [Experiment(variation, seed) for seed in seeds]
        runs = tuple(_read(experiment, folder) for experiment in experiments if _finished(experiment, folder))
        lost = tuple(experiment.seed for experiment in experiments if experiment.name in diverged)
        if runs or lost:
            found[key] = Scores(runs, bounds.get((variation.config.size, variation.masks)), lost)
    return found


def _finished(experiment: Experiment, folder: LabFolder) -> bool:
    return folder.run(experiment.name).metrics.is_file()


def _read(experiment: Experiment, folder: LabFolder) -> dict[str, Any]:
    """One run; its folder is named as it lies in the lab's."""
    run = folder.run(experiment.name)
    stored = read_json(run.metrics)
    return {
        "seed": experiment.seed,
        "run": run.path.relative_to(folder.path).as_posix(),
        **stored["test"],
        "test_images": len(stored["test_images"]),
        "best_epoch": stored["best_epoch"],
        "epochs": stored["epochs"],
        "seconds": stored["seconds"],
    }
