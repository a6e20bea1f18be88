"""The flags of `python -m minunet.train`: their help, and how the command line becomes a `TrainRequest`.

All mistakes are collected, so that they can be reported together with the problems of the data.
"""

from __future__ import annotations

import os
import shlex
from argparse import BooleanOptionalAction
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from minunet.cli.argument_types import path_text
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.files.names import resolved
from minunet.kernels.machine import machine_problems
from minunet.runs.first_weights import SCALE, followed_settings, init_text
from minunet.runs.moved_data import find_moved, missing_paths
from minunet.runs.report_file import add_report_flag
from minunet.runs.run_folder import CONTENTS, RunFolder, given_as_images
from minunet.runs.setting_checks import DATA_PATHS, MAY_CHANGE, crop_for, flag
from minunet.runs.setting_flags import add_setting_flags, add_skip_unpaired, as_typed, given_settings
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_target import target_problems, with_target

# Without DATA the run is a demonstration: small enough to take a few minutes, large enough for a Dice of 0.9.
# Drawn smears differ in their lighting as they are; more of it costs 0.014 of the test Dice in a training this short.
WITHOUT_DATA = {"size": (128, 128), "base_channels": 8, "batch_size": 4, "epochs": 20, "lighting": "mild"}

MASK_SETTINGS = ("mask", "cell", "classes", "ignore", "invert_masks", "threshold")
DATA_SETTINGS = (
    "images",
    "masks",
    *MASK_SETTINGS,
    "target",
    "separation",
    "channels",
    "range",
    "size",
    "crop",
    "diameter",
    "split",
    "group",
)
CHOSEN = "cells where masks number them or have gaps between them, else pixels"
FITTING = "the aspect of most images, at most as many pixels as 256x256"

EXAMPLES = """\
examples:
  python -m minunet.train                        draw smears, train on them
  python -m minunet.train smears --size 256x192  smears/images, smears/masks
  python -m minunet.train --images a --masks b --out runs/first
  python -m minunet.train smears --masks smears/classes --classes background,red,white,nucleus,platelet
  python -m minunet.train smears --crop 256 --augment full --epochs 100
  python -m minunet.train smears --init pretrained   a few images are enough
  python -m minunet.train --resume runs/first    go on where it was stopped

DATA holds images/ and masks/ (or imgs/ and masks/, original/ and mask/, image/
and label/), perhaps inside train/ and test/, or NAME.jpg beside NAME_mask.png.
An image and its mask share their name. Ctrl-C stops after the current step and
keeps everything.

the run folder:
"""


@dataclass(frozen=True)
class TrainRequest:
    """A training as requested on the command line.

    Attributes
    ----------
    config : TrainConfig
    folder : RunFolder
        Without --out the name of a new one; a number is added to it where another process takes it first.
    resume : bool
    fresh : bool
        Whether nobody named the folder.
    problems : list of str
        What is wrong with the flags, and what this machine cannot do, as sentences.
    given : frozenset of str
        The settings for which there was a flag.
    report : bool
        Whether report.html is written.
    notes : tuple of str
        What was decided for the user, such as where data are that were moved.
    """

    config: TrainConfig
    folder: RunFolder
    resume: bool
    fresh: bool
    problems: list[str]
    given: frozenset[str]
    report: bool = True
    notes: tuple[str, ...] = ()

    @property
    def fit_size(self) -> bool:
        """Whether nobody named a size or a crop: the size is then that of `fitting_size` for the images."""
        resized = self.given & {"size", "crop"} or self.config.diameter is not None
        return not (self.resume or self.config.drawn or resized)


def build_parser() -> Parser:
    """The parser; the value of a flag that was not given is None."""
    contents = "\n".join(f"  {name:<19}{what}" for name, what in CONTENTS.items())
    parser = Parser(
        prog="python -m minunet.train",
        usage="python -m minunet.train [DATA] [--out RUN] [options]",
        description="Train a U-Net on images and their masks, and write a folder with the model, its\n"
        "scores and pictures. Without DATA it draws blood smears and trains on those.",
        epilog=EXAMPLES + contents,
    )
    data = parser.add_argument_group("data")
    data.add_argument("data", nargs="?", metavar="DATA", type=path_text, help="folder with images and masks")
    for group, names in (
        (data, (*DATA_SETTINGS, "augment", "lighting")),
        (parser.add_argument_group("network"), ("variant", "base_channels", "depth")),
        (
            parser.add_argument_group("training"),
            ("init", "epochs", "batch_size", "lr", "clip", "schedule", "loss", "seed"),
        ),
    ):
        add_setting_flags(
            group, names, TrainConfig(), without_data=WITHOUT_DATA, in_words={"size": FITTING, "target": CHOSEN}
        )
    add_skip_unpaired(data)
    machine = parser.add_argument_group("machine and results")
    add_setting_flags(machine, ("device", "precision", "threads", "max_memory"), TrainConfig())
    machine.add_argument(
        "--recompute",
        action=BooleanOptionalAction,
        help="compute each block again in the backward pass instead of storing its activations: less than half of them are "
        "stored, the peak of memory falls by a tenth to a third, and a step takes a quarter longer; the results are the "
        "same (default off)",
    )
    machine.add_argument(
        "--out",
        metavar="RUN",
        type=path_text,
        help="run folder (default runs/<time>); a folder that holds a run is refused",
    )
    machine.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with a stopped run; its settings are kept, but --epochs may be raised: after the epochs it had, the learning "
        "rate rises again, to a tenth of its peak",
    )
    add_report_flag(machine)
    return parser


def read(argv: list[str] | None = None) -> TrainRequest:
    """Parse the command line.

    Raises
    ------
    UserError
        If parsing cannot go on; other mistakes are the request's `problems`.
    """
    arguments, problems = build_parser().parse_collecting(argv)
    values = given_settings(arguments)
    report = not values.pop("no_report", False)
    out, resume = values.pop("out", None), values.pop("resume", None)
    if "init" in values:
        values["init"] = init_text(values["init"])
    if resume is not None:
        return replace(_resumed(values, problems, out, resume), report=report)
    values = with_target(values)
    given = frozenset(values)
    followed: dict[str, Any] = {}
    if "init" in values:
        followed, unfit = followed_settings(values)
        problems += unfit
        given |= followed.keys() & set(SCALE)
        values = {**followed, **values}
    if "diameter" in values:
        values.setdefault("crop", crop_for(values["diameter"], values.get("depth", TrainConfig.depth)))
    if "crop" in values:
        values.setdefault("size", None)
    if not any(name in values for name in DATA_PATHS):
        values = {**WITHOUT_DATA, **values}
    if values.get("lighting") == "wide" and values.get("augment") == "none":
        problems.append("--lighting wide changes nothing with --augment none: leave one of the two out.")
    data = values.get("data")
    if no_images := given_as_images(data, f"give a folder of images and masks, or go on with it: --resume {data}"):
        raise UserError([*problems, *no_images])
    config = TrainConfig(**values)
    folder = RunFolder.fresh() if out is None else RunFolder(out)
    problems += (
        config.problems() + target_problems(config, separated="separation" in given) + folder.problems(resume=False)
    )
    problems += machine_problems(config.device, config.precision)
    return TrainRequest(config, folder, False, out is None, problems, given, report)


def _resumed(values: dict[str, Any], problems: list[str], out: str | None, resume: str) -> TrainRequest:
    """The stored settings; flags that are given again must be the same, except for those that may change."""
    path = resume or out
    if path is None:
        raise UserError([*problems, "--resume: name the run folder, such as --resume runs/first."])
    if resume and out is not None and resolved(out) != resolved(resume):
        problems.append(f"--out {out} and --resume {resume} are different folders; a resumed run stays in its own.")
    folder = RunFolder(path)
    problems += folder.problems(resume=True)
    if not os.path.isfile(folder.config):
        raise UserError(problems)
    try:
        stored = TrainConfig.read(folder.config)
    except UserError as error:
        raise UserError([*problems, *error.problems]) from error
    problems += changed_settings(values, stored)
    changed = {name: value for name, value in values.items() if name in MAY_CHANGE}
    if any(name in DATA_PATHS for name in changed):
        changed = {**dict.fromkeys(DATA_PATHS), **changed}  # the data was moved: none of the stored paths is valid
    config = replace(stored, **changed, extended=())  # what it was begun with is in its last state
    notes: list[str] = []
    if not any(name in DATA_PATHS for name in changed) and (missing := missing_paths(vars(stored))):
        moved: dict[str, Any] | None = find_moved(vars(stored), folder)
        if moved is None:  # nothing like it is suggested: other images would be another training
            raise UserError(
                [
                    *problems,
                    f"{missing[0]}, where the data of this run were, does not exist; say where they are now: "
                    f"python -m minunet.train DATA --resume {shlex.quote(str(path))}.",
                ]
            )
        config = replace(config, **moved)
        notes.append(f"{missing[0]} does not exist any more; the same images are in {next(iter(moved.values()))}")
    if stored.drawn and not config.drawn:
        problems.append("this run draws its own smears; leave out DATA, --images and --masks, or start a new run.")
    problems += config.problems() + target_problems(config) + machine_problems(config.device, config.precision)
    return TrainRequest(config, folder, True, False, problems, frozenset(values), notes=tuple(notes))


def changed_settings(values: Mapping[str, Any], stored: TrainConfig) -> list[str]:
    """A sentence for each setting whose value differs from that of the run that is resumed, where it may not."""
    return [
        f"{flag(name)} {as_typed(value)}: this run has {as_typed(getattr(stored, name))}, and a resumed run keeps its "
        "settings; leave the flag out, or start a new run."
        for name, value in values.items()
        if name not in MAY_CHANGE and value != getattr(stored, name)
    ]
