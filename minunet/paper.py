"""`python -m minunet.paper`: repeat the paper's experiments, and test what the paper says of them."""

from __future__ import annotations

import sys
from dataclasses import replace

from minunet.cli.command import command
from minunet.cli.console import FileBar
from minunet.cli.interruption import StoppedBySignal
from minunet.data.pairs import Pair
from minunet.data.synthetic.smear_set import write_set
from minunet.errors import UserError
from minunet.experiments import paper_flags
from minunet.experiments.paper_flags import Request
from minunet.experiments.study import Lab
from minunet.experiments.study_messages import (
    announce_bounds,
    announce_data,
    announce_plan,
    announce_report,
    announce_stop,
)
from minunet.kernels.cpu.threads import set_num_threads
from minunet.runs.config import TrainConfig
from minunet.runs.training_data import DRAWN_COUNT, TrainingData, find_training_data

DRAWN_SCALE = (
    2  # smears are drawn larger than they are trained on, so that resizing makes greys as it does of photographs
)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    request = paper_flags.read(argv)
    if request.settings.drawn and request.problems:
        raise UserError(request.problems)
    material = None if request.settings.drawn else look_through(request, request.problems)
    request.folder.begin(request.settings, None if material is None else pairs_of(material))
    if request.threads is not None:
        set_num_threads(request.threads)
    try:
        if material is None:
            draw_smears(request)
            material = look_through(request, [])
            request.folder.begin(request.settings, pairs_of(material))
        study(request, replace(material, split=request.folder.split(material.split)))
    except StoppedBySignal as stopped:
        announce_stop(print, request)
        return stopped.exit_code
    except (KeyboardInterrupt, UserError):
        announce_stop(print, request)
        raise
    return 0


def look_through(request: Request, problems: list[str]) -> TrainingData:
    """The pairs, checked and split; raises what is wrong with them together with the `problems` known already."""
    settings = request.settings
    data = str(request.folder.synthetic) if settings.drawn else settings.data
    config = TrainConfig(data, settings.images, settings.masks, group=settings.group, seed=settings.seed)
    with FileBar("looking through the data") as progress:
        return find_training_data(config, request.folder.as_run(), progress=progress, known_problems=problems)


def pairs_of(material: TrainingData) -> list[Pair]:
    """Every pair, in whatever order its split has them."""
    split = material.split
    return sorted([*split.train, *split.validation, *split.test], key=lambda pair: pair.name)


def draw_smears(request: Request) -> None:
    """Draw the smears of a lab without data; one that goes on finds them there."""
    if not request.folder.synthetic.is_dir():
        size = tuple(DRAWN_SCALE * side for side in request.settings.size)
        write_set(request.folder.synthetic, DRAWN_COUNT, size, request.settings.seed, progress=True)


def study(request: Request, material: TrainingData) -> None:
    """Prepare, plan, train and report, saying each as it comes."""
    lab = Lab(request, material.split)
    announce_data(print, request, material)
    bounds = lab.prepare()
    announce_bounds(print, request, bounds)
    plan = lab.plan()
    announce_plan(print, request, plan, lab.device)
    try:
        lab.run(plan)
    except KeyboardInterrupt:
        lab.report(bounds)
        raise
    report = lab.report(bounds)
    announce_report(print, request, report)


if __name__ == "__main__":
    sys.exit(main())
