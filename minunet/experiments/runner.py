"""The course of a lab: one experiment after the other, each a training run in a folder of its own, each only once.

What a run says goes to log.txt in its folder; the reader of the lab sees a bar, then a line with the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from minunet.cli.console import duration
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import Prepared
from minunet.experiments.study_folder import LabFolder
from minunet.experiments.time_estimate import Clock, Planned
from minunet.files.json_files import read_json
from minunet.runs.training_data import write_split
from minunet.runs.training_run import TrainingRun
from minunet.training.trainer import Diverged

LOG = "log.txt"


class Course:
    """Runs the experiments of a plan.

    Parameters
    ----------
    folder : LabFolder
    split : Split
        Of the pairs as given.
    prepared : Prepared
    device : str
        "auto", "cpu" or "cuda".
    threads : int, optional
    say : callable
        Takes each line of text.
    bar : bool
        Whether to show the progress of each training on stderr.

    Attributes
    ----------
    diverged : set of str
        Names of the experiments whose loss was no longer a number.
    """

    def __init__(
        self,
        folder: LabFolder,
        split: Split,
        prepared: Prepared,
        *,
        device: str = "auto",
        threads: int | None = None,
        say: Callable[[str], None] = print,
        bar: bool = True,
    ):
        self.folder, self.split, self.prepared = folder, split, prepared
        self.machine = {"device": device, "threads": threads}
        self.say, self.bar = say, bar
        self.diverged: set[str] = set()

    def run(self, plan: Sequence[Planned]) -> None:
        """Run what is not done yet.

        Raises
        ------
        StoppedBySignal
            After Ctrl-C; all is kept.
        UserError
            Where memory or disk is full.
        """
        open_ = [planned for planned in plan if not planned.done]
        clock = Clock(open_)
        for number, planned in enumerate(open_, start=1):
            experiment = planned.experiment
            self.say(f"{number}/{len(open_)}  {experiment.variation.title}, seed {experiment.seed}")
            clock.start()
            scores = self._run(experiment)
            spent = clock.stop(planned)
            left = f", {duration(clock.remaining())} left" if number < len(open_) else ""
            self.say(f"     {scores} ({duration(spent)}{left})")

    def _run(self, experiment: Experiment) -> str:
        """Train and score; the scores as a line."""
        run_folder = self.folder.run(experiment.name)
        config = experiment.config(self.prepared, **self.machine)
        split = experiment.split(self.split, self.prepared)
        run_folder.path.mkdir(parents=True, exist_ok=True)
        config.write(run_folder.config)
        write_split(split, run_folder)
        with Log(run_folder.path / LOG) as log:
            try:
                run = TrainingRun(config, run_folder, split, resume=True, say=log, bar=self.bar)
                run.load()
                run.fit()
                run.finish()
            except UserError as error:
                if not isinstance(error.__cause__, Diverged):
                    raise
                # An answer too: this variation cannot be trained so. The others go on.
                self.diverged.add(experiment.name)
                return f"diverged: {error.__cause__}"
        test = read_json(run_folder.metrics)["test"]
        return (
            f"loss {test['loss']:.4f}, Keras {test['keras_accuracy']:.4f}, "
            f"Dice {test['dice']:.4f}, IoU {test['iou']:.4f}"
        )


class Log:
    """A text file that what a run says is added to."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> Callable[[str], None]:
        try:
            self._file = open(self.path, "a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror or error}); free some space.") from error
        return self._say

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _say(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
