# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.paper`: repeat the paper's experiments, and test its claims."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import replace
from pathlib import Path

from minunet.cli.command import command
from minunet.cli.console import say_item
from minunet.cli.interruption import StoppedBySignal
from minunet.data.pairs import Pair
from minunet.errors import UserError
from minunet.experiments import paper_flags
from minunet.experiments.paper_flags import PaperRequest
from minunet.experiments.report import StudyReport
from minunet.experiments.study import PaperStudy
from minunet.experiments.study_messages import (
    announce_limits,
    announce_plan,
    announce_report,
    announce_study,
    announce_study_stopped,
)
from minunet.experiments.study_page import write_study_report
from minunet.files.lock import FolderLock
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_data import TrainingData, draw_smears, find_training_data


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    request = paper_flags.read(argv)
    refuse(request)
    with FolderLock(request.folder.path, say=functools.partial(say_item, print, "note")) as lock:
        request = paper_flags.read(argv)  # again, because another process may have had the folder until now
        refuse(request)
        lock.sweep(Path(path) for path, *_ in os.walk(request.folder.path))
        return study(request)


def refuse(request: PaperRequest) -> None:
    """Raise the problems of a request, if it has any, together with those of its data."""
    if request.problems and not request.settings.drawn:
        find_data(request, request.problems)  # raises them all
    if request.problems:
        raise UserError(request.problems)


def study(request: PaperRequest) -> int:
    """Run the study in a folder that no other process writes to; return the exit code."""
    settings, folder = request.settings, request.folder
    data = None if settings.drawn else find_data(request, [])
    if data is not None and not folder.holds_study():
        refuse_ignored(data)
    folder.begin(settings, None if data is None else sorted_pairs(data))
    try:
        if data is None:
            draw_smears(folder.as_run(), settings.drawn_size, settings.seed)
            data = find_data(request, [])
            folder.begin(settings, sorted_pairs(data))
        split = folder.split(data.split, data.reading)
        run_study(request, replace(data, split=split, reading=folder.reading()))
    except StoppedBySignal as stopped:
        announce_study_stopped(print, request)
        return stopped.exit_code
    except (KeyboardInterrupt, UserError):
        announce_study_stopped(print, request)
        raise
    return 0


def find_data(request: PaperRequest, problems: list[str]) -> TrainingData:
    """The pairs, checked and split; raises their problems together with those known already."""
    settings, run = request.settings, request.folder.as_run()
    data = str(run.synthetic) if settings.drawn else settings.data
    config = TrainConfig(
        data,
        settings.images,
        settings.masks,
        settings.skip_unpaired,
        group=settings.group,
        seed=settings.seed,
        **settings.mask_flags(),
    )
    return find_training_data(config, run, known_problems=problems, command="python -m minunet.paper DATA")


def refuse_ignored(data: TrainingData) -> None:
    """Raise an error where pixels are to be ignored, which no network of the paper can."""
    if data.reading is not None and data.reading.ignore is not None:
        raise UserError(
            f"the masks hold values that are ignored ({data.reading.ignore}), and the paper's networks count every pixel: say with "
            f"--cell which values are cell, such as --cell 'not:0,{data.reading.ignore}', and all others are background."
        )


def sorted_pairs(data: TrainingData) -> list[Pair]:
    """Every pair, in an order that does not depend on the split."""
    split = data.split
    return sorted([*split.train, *split.validation, *split.test], key=lambda pair: pair.name)


def run_study(request: PaperRequest, data: TrainingData) -> None:
    """Prepare, plan, train and report, and print each."""
    study = PaperStudy(request, data.split, data.range, data.reading)
    announce_study(print, request, data)
    limits = study.prepare()
    announce_limits(print, request, limits)
    plan = study.plan()
    announce_plan(print, plan, study.machine)
    try:
        study.runner.run(plan)
    except KeyboardInterrupt:
        write_page(request, data, study.report(limits))
        raise
    report = study.report(limits)
    announce_report(print, request, report)
    write_page(request, data, report)


def write_page(request: PaperRequest, data: TrainingData, report: StudyReport) -> None:
    """Write report.html, unless it is not wanted."""
    if request.with_report:
        write_study_report(request, data.split, report, print)


if __name__ == "__main__":
    sys.exit(main())
