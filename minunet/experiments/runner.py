"""The runner of a paper study: one experiment after the other, each a training run in a folder of its own, each only once.

The output of a run goes to log.txt in its folder; on the terminal there are a progress bar and a line with the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minunet.cli.console import Say, duration, say_item
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.time_estimate import ExperimentEstimate, RemainingTime
from minunet.runs.metrics_file import read_metrics
from minunet.runs.split_file import write_split
from minunet.runs.training_run import TrainingRun
from minunet.runs.warnings_file import read_warnings
from minunet.training.divergence import Diverged

LOG = "log.txt"


class StudyRunner:
    """Runs the experiments of a plan.

    Parameters
    ----------
    folder : StudyFolder
    split : Split
        Of the pairs as given.
    prepared : PreparedImages
    device : str
        "auto", "cpu" or "cuda".
    threads : int, optional
    say : callable
        Takes each line of text.

    Attributes
    ----------
    diverged : set of str
        Names of the experiments whose loss became infinite or NaN.
    """

    def __init__(
        self,
        folder: StudyFolder,
        split: Split,
        prepared: PreparedImages,
        *,
        device: str = "auto",
        threads: int | None = None,
        say: Say = print,
    ):
        self.folder, self.split, self.prepared, self.say = folder, split, prepared, say
        self.machine: dict[str, Any] = {"device": device, "threads": threads}
        self.diverged: set[str] = set()

    def run(self, plan: Sequence[ExperimentEstimate]) -> None:
        """Run the experiments that are not done yet.

        Raises
        ------
        StoppedBySignal
            After Ctrl-C; everything is kept.
        UserError
            If memory or disk is full.
        """
        remaining = [estimate for estimate in plan if not estimate.done]
        time = RemainingTime(remaining)
        for number, estimate in enumerate(remaining, start=1):
            experiment = estimate.experiment
            self.say(f"{number}/{len(remaining)}  {experiment.variation.title}, seed {experiment.seed}")
            time.start()
            scores = self._run(experiment)
            spent = time.stop(estimate)
            left = f", {duration(time.remaining())} left" if number < len(remaining) else ""
            self.say(f"     {scores} ({duration(spent)}{left})")
            for warning in read_warnings(self.folder.run(experiment).warnings):
                say_item(self.say, "     note", f"{warning.kind}, epoch {warning.epoch}: {warning.message}")

    def _run(self, experiment: Experiment) -> str:
        """Train and score; the scores as a line."""
        folder = self.folder.run(experiment)
        config = experiment.config(self.prepared, **self.machine)
        split = experiment.split(self.split, self.prepared)
        folder.path.mkdir(parents=True, exist_ok=True)
        config.write(folder.config)
        write_split(split, folder)
        with RunLog(folder.path / LOG) as log:
            try:
                run = TrainingRun(config, folder, split, resume=True, say=log)
                run.load()
                run.fit()
                run.finish()
            except UserError as error:
                if not isinstance(error.__cause__, Diverged):
                    raise
                # Divergence is a result too: this variation cannot be trained with these settings. The others go on.
                self.diverged.add(experiment.name)
                return f"diverged: {error.__cause__}"
        test = read_metrics(folder.metrics, "test")["test"]
        return (
            f"loss {test['loss']:.4f}, Keras {test['keras_accuracy']:.4f}, "
            f"Dice {test['dice']:.4f}, IoU {test['iou']:.4f}"
        )


class RunLog:
    """A text file to which a run's lines are appended."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> Callable[[str], None]:
        try:
            self._file = open(self.path, "a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror or error}); free some space.") from error
        return self._append

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _append(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
