"""Seed scores: the scores of a variation's finished trainings on the test images, averaged over their seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import Size
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.variations import Variation
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import trivial_dice
from minunet.runs.metrics_file import read_metrics

MEASURES = ("loss", "keras_accuracy", "dice", "iou")
MIN_DIFFERENCE = 0.01  # of an accuracy or a Dice; a smaller difference may be due to the seed


@dataclass(frozen=True)
class SeedScores:
    """The scores of a variation.

    Attributes
    ----------
    runs : tuple of dict
        One for each seed that is finished: the seed and every measure of all test pixels, see `minunet.inference.metrics`.
    limits : MaskLimits
        The best scores that the test masks allow.
    diverged : tuple of int
        Seeds with which the loss became infinite or NaN.
    """

    runs: tuple[Mapping[str, Any], ...]
    limits: MaskLimits
    diverged: tuple[int, ...] = ()

    @property
    def loss(self) -> float:
        """Mean binary cross-entropy over the seeds, in nats."""
        return self.mean("loss")

    @property
    def keras_accuracy(self) -> float:
        """Mean over the seeds of the share of pixels where the rounded prediction equals the target as it is."""
        return self.mean("keras_accuracy")

    @property
    def dice(self) -> float:
        """Mean over the seeds."""
        return self.mean("dice")

    @property
    def iou(self) -> float:
        """Mean over the seeds."""
        return self.mean("iou")

    @property
    def trivial_dice(self) -> float:
        """The Dice of the better of calling everything cell and everything background."""
        return trivial_dice(self.limits.foreground)

    @property
    def failed(self) -> tuple[int, ...]:
        """The seeds whose model has learned nothing: it is better than neither of the two trivial answers."""
        answer = self.trivial_dice + MIN_DIFFERENCE
        return tuple(run["seed"] for run in self.runs if self.limits.foreground > 0 and run["dice"] <= answer)

    @property
    def learned(self) -> bool:
        """Whether there are models, and all of them have learned something."""
        return bool(self.runs) and not self.failed

    def why_failed(self) -> str:
        """A clause on a variation that has not learned: its Dice beside that of calling everything cell, or that it diverged."""
        if not self.runs:
            return "diverged"
        worst = min(run["dice"] for run in self.runs)
        seeds = "" if len(self.failed) == len(self.runs) else f" with seed {', '.join(map(str, self.failed))}"
        return f"has learned nothing{seeds}: Dice {worst:.4f}, calling everything cell has {self.trivial_dice:.4f}"

    def mean(self, measure: str) -> float:
        """Mean over the seeds."""
        return mean(run[measure] for run in self.runs)

    def spread(self, measure: str) -> float:
        """Standard deviation of the sample of seeds (divided by n - 1); 0 for one seed."""
        return stdev(run[measure] for run in self.runs) if len(self.runs) > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "mean": {measure: self.mean(measure) for measure in MEASURES} if self.runs else None,
            "standard_deviation": {measure: self.spread(measure) for measure in MEASURES} if self.runs else None,
            "seeds": [dict(run) for run in self.runs],
            "diverged_seeds": list(self.diverged),
            "failed_seeds": list(self.failed),
            "trivial_dice": self.trivial_dice,
            "bounds": {
                "floor": self.limits.loss_floor,
                "ceiling": self.limits.keras_accuracy_ceiling,
                "background": self.limits.keras_baseline,
                "cells": self.limits.foreground,
            },
        }


def collect_scores(
    variations: Mapping[str, Variation],
    seeds: Sequence[int],
    folder: StudyFolder,
    limits: Mapping[tuple[Size, str], MaskLimits],
    diverged: Collection[str] = (),
) -> dict[str, SeedScores]:
    """The scores of every variation with at least one seed that is finished or diverged.

    Parameters
    ----------
    variations : mapping of str to Variation
    seeds : sequence of int
    folder : StudyFolder
    limits : mapping
        By size and kind of targets.
    diverged : collection of str
        Names of experiments that diverged.
    """
    scores = {}
    for key, variation in variations.items():
        experiments = [Experiment(variation, seed) for seed in seeds]
        runs = tuple(
            _read(experiment, folder) for experiment in experiments if folder.run(experiment).metrics.is_file()
        )
        lost = tuple(experiment.seed for experiment in experiments if experiment.name in diverged)
        if runs or lost:
            scores[key] = SeedScores(runs, limits[variation.size, variation.masks], lost)
    return scores


def _read(experiment: Experiment, folder: StudyFolder) -> dict[str, Any]:
    """The scores of one run, with its folder relative to the study's."""
    run = folder.run(experiment)
    stored = read_metrics(run.metrics, "test", "test_images", "best_epoch", "epochs", "seconds")
    return {
        "seed": experiment.seed,
        "run": run.path.relative_to(folder.path).as_posix(),
        **stored["test"],
        "test_images": len(stored["test_images"]),
        "best_epoch": stored["best_epoch"],
        "epochs": stored["epochs"],
        "seconds": stored["seconds"],
    }
