"""`python -m minunet.paper`: repeat the paper's experiments, and test its claims."""

from __future__ import annotations

import sys
from dataclasses import replace

from minunet.cli.command import command
from minunet.cli.interruption import StoppedBySignal
from minunet.data.pairs import Pair
from minunet.errors import UserError
from minunet.experiments import paper_flags
from minunet.experiments.paper_flags import PaperRequest
from minunet.experiments.study import PaperStudy
from minunet.experiments.study_messages import (
    announce_limits,
    announce_plan,
    announce_report,
    announce_study,
    announce_study_stopped,
)
from minunet.runs.config import TrainConfig
from minunet.runs.training_data import TrainingData, draw_smears, find_training_data


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    request = paper_flags.read(argv)
    settings, folder = request.settings, request.folder
    if settings.drawn and request.problems:
        raise UserError(request.problems)
    data = None if settings.drawn else find_data(request, request.problems)
    folder.begin(settings, None if data is None else sorted_pairs(data))
    try:
        if data is None:
            draw_smears(folder.as_run(), settings.drawn_size, settings.seed)
            data = find_data(request, [])
            folder.begin(settings, sorted_pairs(data))
        run_study(request, replace(data, split=folder.split(data.split)))
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
    config = TrainConfig(data, settings.images, settings.masks, group=settings.group, seed=settings.seed)
    return find_training_data(config, run, known_problems=problems)


def sorted_pairs(data: TrainingData) -> list[Pair]:
    """Every pair, in an order that does not depend on the split."""
    split = data.split
    return sorted([*split.train, *split.validation, *split.test], key=lambda pair: pair.name)


def run_study(request: PaperRequest, data: TrainingData) -> None:
    """Prepare, plan, train and report, and print each."""
    study = PaperStudy(request, data.split)
    announce_study(print, request, data)
    limits = study.prepare()
    announce_limits(print, request, limits)
    plan = study.plan()
    announce_plan(print, plan, study.machine)
    try:
        study.runner.run(plan)
    except KeyboardInterrupt:
        study.report(limits)
        raise
    announce_report(print, request, study.report(limits))


if __name__ == "__main__":
    sys.exit(main())
