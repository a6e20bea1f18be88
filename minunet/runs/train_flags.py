"""The flags of `python -m minunet.train`: their help, and how the command line becomes a `TrainRequest`.

All mistakes are collected, so that they can be reported together with the problems of the data.
"""

from __future__ import annotations

from argparse import BooleanOptionalAction
from dataclasses import replace
from typing import Any

from minunet.cli.argument_types import path_text
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.files.names import resolved
from minunet.runs.first_weights import init_text
from minunet.runs.report_file import add_report_flag
from minunet.runs.run_folder import CONTENTS, RunFolder
from minunet.runs.setting_flags import add_setting_flags, add_skip_unpaired, given_settings
from minunet.runs.train_config import TrainConfig
from minunet.runs.train_request import WITHOUT_DATA, TrainRequest, new_request, resumed_request

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
            ("init", "epochs", "batch_size", "micro_batch", "lr", "clip", "schedule", "loss", "seed"),
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
    request = new_request(values, out, problems) if resume is None else _resumed(values, problems, out, resume)
    return replace(request, report=report)


def _resumed(values: dict[str, Any], problems: list[str], out: str | None, resume: str) -> TrainRequest:
    """The request that goes on with the run of --resume RUN, or of --out RUN --resume."""
    path = resume or out
    if path is None:
        raise UserError([*problems, "--resume: name the run folder, such as --resume runs/first."])
    if resume and out is not None and resolved(out) != resolved(resume):
        problems.append(f"--out {out} and --resume {resume} are different folders; a resumed run stays in its own.")
    return resumed_request(values, RunFolder(path), problems)
