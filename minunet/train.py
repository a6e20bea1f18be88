# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.train`: train a U-Net on a folder of images and masks, or on smears that it draws itself."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace

from minunet.cli.command import command_of_ranks
from minunet.cli.console import Say, say_item
from minunet.cli.interruption import StoppedBySignal
from minunet.data.fitting_size import fitting_size
from minunet.data.reading.mask_choice import COMMAND
from minunet.errors import UserError
from minunet.files.lock import FolderLock
from minunet.ranks import Ranks, find_ranks
from minunet.runs import train_flags
from minunet.runs.class_occurrence import ClassOccurrence
from minunet.runs.memory_limit import OverMemoryLimit
from minunet.runs.process_advice import process_advice
from minunet.runs.run_folder import RunFolder
from minunet.runs.run_messages import announce_data, announce_finished, announce_resume
from minunet.runs.shared_training import divided
from minunet.runs.split_file import write_split
from minunet.runs.train_config import TrainConfig
from minunet.runs.train_request import TrainRequest
from minunet.runs.training_data import TrainingData, draw_smears, find_training_data
from minunet.runs.training_run import TrainingRun
from minunet.runs.training_target import choose_target, describe_target, drawn_target
from minunet.training.class_loss import balanced_weights
from minunet.training.events import Callback


@command_of_ranks
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    request = train_flags.read(argv)
    refuse(request, typed(argv))
    say = functools.partial(print, flush=True)  # so that each line appears at once in a log file
    with FolderLock(request.folder.path, fresh=request.fresh, say=functools.partial(say_item, say, "note")) as lock:
        if request.fresh:
            request = replace(request, folder=RunFolder(lock.folder))
        else:  # again, because another process may have had the folder until now
            request = train_flags.read(argv)
            refuse(request, typed(argv))
        lock.sweep()
        return train(request, say, typed(argv), ranks=find_ranks())


def refuse(request: TrainRequest, command_line: str = COMMAND) -> None:
    """Raise the problems of a request, if it has any, together with those of its data."""
    if request.problems and not request.config.drawn:
        find_training_data(
            request.config,
            request.folder,
            resume=request.resume,
            known_problems=request.problems,
            command=command_line,
        )  # raises them all
    if request.problems:
        raise UserError(request.problems)


def typed(argv: list[str] | None) -> str:
    """The command as it was typed."""
    return shlex.join(["python", "-m", "minunet.train", *(sys.argv[1:] if argv is None else argv)])


def train(
    request: TrainRequest,
    say: Say,
    command_line: str = COMMAND,
    *,
    bar: bool = True,
    callbacks: Sequence[Callback] = (),
    ranks: Ranks | None = None,
) -> int:
    """Train in a folder that no other process writes to; return the exit code.

    Parameters
    ----------
    request : TrainRequest
    say : callable
        Called with each line of text.
    command_line : str
        What the user typed.
    bar : bool
        Whether to show progress on stderr.
    callbacks : sequence of Callback
        Further callbacks of the training.
    ranks : Ranks, optional
        Processes that share it, of which this one is rank 0.
    """
    launched = ranks is not None  # by the command; `minunet.fit` does not share its training
    ranks = Ranks() if ranks is None else ranks
    config, folder = request.config, request.folder
    data, learned = None, ""
    if not config.drawn:
        data = find_training_data(config, folder, resume=request.resume, command=command_line, bar=bar)
        config, learned = decided(request, data)
    if request.fit_size and data is not None:
        config = replace(config, size=fitting_size(data.sizes, least=2**config.depth))
    if config.drawn and not request.resume and "target" not in request.given:
        config = drawn_target(config)
    config, shared = divided(config, ranks, resumed=request.resume)
    if not request.resume:
        config.write(folder.config)
    try:
        if data is None:
            draw_smears(folder, config.drawn_size, config.seed)
            data = find_training_data(config, folder, resume=request.resume, command=command_line, bar=bar)
            config, learned = decided(request, data)
            config, shared = divided(config, ranks, resumed=request.resume)
            config.write(folder.config)  # with the reading, before there is a split
        write_split(data.split, folder, data.statistics, data.reading)
        announce_data(say, config, folder, data, learned)
        for note in (*request.notes, *shared):
            say_item(say, "note", note)
        run = TrainingRun(
            config, folder, data.split, resume=request.resume, say=say, bar=bar, callbacks=callbacks, ranks=ranks
        )
        if run.finished():
            announce_finished(say, config, folder)
            report(request, run.config, data, say)
            return 0
        if launched and ranks.size == 1 and not request.resume:
            for note in process_advice(run.config, run.plan, command_line):
                say_item(say, "note", note)
        run.load()
        limit_memory(run, request)
        # A resumed run may refuse its settings; the precision "auto" is stored as the one that it stands for here.
        run.config.write(folder.config)
        run.describe()
        run.fit()
        run.finish()
        report(request, run.config, data, say)
    except StoppedBySignal as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        announce_resume(say, folder)
        raise
    except OverMemoryLimit:
        if not request.resume:
            folder.remove_settings(drawn=config.drawn)  # so that the same --out can be given with other settings
        raise
    return 0


def decided(request: TrainRequest, data: TrainingData) -> tuple[TrainConfig, str]:
    """The settings with what depends on the data, other than the size; and what is learned, in words."""
    config = replace(request.config, reading=data.reading, image_range=data.range)
    if not request.resume and data.reading is not None and data.reading.classes:
        found = ClassOccurrence.in_training(data.statistics, data.split.train, data.reading)
        config = replace(config, class_weights=balanced_weights([*found.shares.values()]))
    if request.resume:
        return config, describe_target(config)
    return choose_target(config, data.split.train, given="target" in request.given)


def report(request: TrainRequest, config: TrainConfig, data: TrainingData, say: Say) -> None:
    """Write the report of a finished run, unless it is not wanted."""
    if request.report:
        from minunet.runs.training_report import write_training_report  # slow to import

        write_training_report(request.folder, config, data, say)


def limit_memory(run: TrainingRun, request: TrainRequest) -> None:
    """Choose what keeps to --max-memory. A run whose steps have begun keeps its batches, and what was chosen for it."""
    begun = os.path.lexists(request.folder.last)
    if run.config.max_memory is not None and not (begun and "max_memory" not in request.given):
        run.fit_memory(keep_batches=begun, may_recompute="recompute" not in request.given)


if __name__ == "__main__":
    sys.exit(main())
