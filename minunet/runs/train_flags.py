"""The flags of `python -m minunet.train`: their help, and how what was typed becomes a `TrainConfig`.

Everything that is wrong is collected, so that it can be reported together with what is wrong with the data.
"""

from __future__ import annotations

from argparse import BooleanOptionalAction
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minunet.cli.argument_types import (
    image_size,
    mask_threshold,
    non_negative_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.inference import machine as precision
from minunet.runs.config import CHOICES, PATHS, TrainConfig, flag
from minunet.runs.run_folder import CONTENTS, RunFolder

# Without DATA the run is a demonstration: small enough for a coffee, large enough for a Dice of 0.9.
DRAWN = {"size": (128, 128), "base_channels": 8, "batch_size": 4, "epochs": 20}
MAY_CHANGE = (*PATHS, "device", "threads", "precision", "recompute", "epochs")  # when a run is resumed

EXAMPLES = """\
examples:
  python -m minunet.train                        draw smears, train on them
  python -m minunet.train smears --size 256x192  smears/images, smears/masks
  python -m minunet.train --images a --masks b --out runs/first
  python -m minunet.train smears --crop 256 --augment full --epochs 100
  python -m minunet.train --resume runs/first    go on where it was stopped

DATA holds images/ and masks/ (or imgs/ and masks/, original/ and mask/, image/
and label/), perhaps inside train/ and test/, or NAME.jpg beside NAME_mask.png.
An image and its mask share their name. Ctrl-C stops after the current step and
keeps everything.

the run folder:
"""


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes
    ----------
    config : TrainConfig
    folder : RunFolder
    resume : bool
    problems : list of str
        What is wrong with the flags, as sentences.
    """

    config: TrainConfig
    folder: RunFolder
    resume: bool
    problems: list[str]


def build_parser() -> Parser:
    """The parser; a flag that was not given is None."""
    contents = "\n".join(f"  {name:<19}{what}" for name, what in CONTENTS.items())
    parser = Parser(
        prog="python -m minunet.train",
        usage="python -m minunet.train [DATA] [--out RUN] [options]",
        description="Train a U-Net on images and their masks, and leave a folder with the model, its\n"
        "scores and pictures. Without DATA it draws blood smears and trains on those.",
        epilog=EXAMPLES + contents,
    )
    plain = TrainConfig()

    def add(group: Any, name: str, text: str, metavar: str | None = None, **options: Any) -> None:
        default, drawn = getattr(plain, name), DRAWN.get(name)
        otherwise = "" if drawn is None else f"; {_shown(drawn)} without DATA"
        shown = "" if default is None else f" (default {_shown(default)}{otherwise})"
        if name in CHOICES:
            options["choices"] = CHOICES[name]
        else:
            options["metavar"] = metavar
        group.add_argument(flag(name), help=text + shown, **options)

    data = parser.add_argument_group("data")
    data.add_argument("data", nargs="?", metavar="DATA", help="folder with images and masks")
    add(data, "images", "folder of the images, in place of DATA", "DIR")
    add(data, "masks", "folder of the masks, in place of DATA", "DIR")
    add(data, "mask", "make masks black and white, or keep their greys")
    add(data, "threshold", "where a mask is cut", "otsu|0..1", type=mask_threshold)
    add(data, "channels", "what the network sees of a colour image")
    add(data, "size", "resize every image to this many pixels", "WxH", type=image_size)
    add(data, "crop", "cut random squares of N pixels at native resolution, in place of --size", "N", type=positive_int)
    add(data, "augment", "vary the training images: flips and turns, or also shape and stain")
    add(data, "split", "shares of training, validation and test", "A,B,C", type=_shares)
    add(data, "group", "keep images with the same match (a slide, a patient) on one side of the split", "REGEX")
    network = parser.add_argument_group("network")
    add(network, "variant", "three convolutions a block as in the paper, or two as in the classic U-Net")
    add(
        network,
        "base_channels",
        "channels of the first block; each deeper one has twice as many",
        "N",
        type=positive_int,
    )
    add(network, "depth", "how many times the image is halved, 1 to 8", "N", type=positive_int)
    training = parser.add_argument_group("training")
    add(training, "epochs", "times that every training image is seen", "N", type=positive_int)
    add(training, "batch_size", "images in a step; fewer take less memory", "N", type=positive_int)
    add(training, "lr", "peak learning rate of Adam", "RATE", type=positive_float)
    add(training, "clip", "shorten longer gradients to this length; 0 never does", "NORM", type=non_negative_float)
    add(training, "schedule", "how the learning rate moves")
    add(training, "loss", "what is minimised: cross-entropy, overlap, or their sum")
    add(
        training,
        "seed",
        "every random choice derives from it: the same seed, the same model",
        "N",
        type=non_negative_int,
    )
    machine = parser.add_argument_group("machine and results")
    add(machine, "device", "auto takes a GPU where one is usable")
    add(machine, "precision", precision.OF_TRAINING)
    add(machine, "threads", "CPU threads (default: all cores)", "N", type=positive_int)
    machine.add_argument(
        "--recompute",
        action=BooleanOptionalAction,
        help="compute each block again on the way back in place of keeping it: less than half as many activations are kept, "
        "the peak falls by a tenth to a third, and a step takes a quarter longer; the same numbers (default off)",
    )
    machine.add_argument(
        "--out", metavar="RUN", help="run folder (default runs/<time>); one that holds a run is refused"
    )
    machine.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with a stopped run; its settings are kept, but --epochs may be raised: the schedule is then spread "
        "over all of them",
    )
    return parser


def read(argv: list[str] | None = None) -> Request:
    """Parse the command line into a request.

    Raises
    ------
    UserError
        Where the request cannot be understood at all; what is merely wrong is in its `problems`.
    """
    arguments, problems = build_parser().parse_collecting(argv)
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    out, resume = given.pop("out", None), given.pop("resume", None)
    values = {
        name: str(Path(value).absolute()) if name in PATHS else value  # so that they hold from any folder
        for name, value in given.items()
    }
    if resume is not None:
        return _resumed(values, problems, out, resume)
    config = _composed(values)
    folder = RunFolder.fresh() if out is None else RunFolder(out)
    return Request(config, folder, False, problems + config.problems() + folder.problems(resume=False))


def _composed(values: dict[str, Any]) -> TrainConfig:
    if "crop" in values:
        values.setdefault("size", None)
    if not any(name in values for name in PATHS):
        values = {**DRAWN, **values}
    return TrainConfig(**values)


def _resumed(values: dict[str, Any], problems: list[str], out: str | None, resume: str) -> Request:
    """The stored settings; what was typed beside must be the same, but for what may change."""
    if not resume and out is None:
        raise UserError([*problems, "--resume: name the run folder, such as --resume runs/first."])
    if resume and out is not None and Path(out).resolve() != Path(resume).resolve():
        problems.append(f"--out {out} and --resume {resume} are different folders; a resumed run stays in its own.")
    folder = RunFolder(resume or out)
    problems += folder.problems(resume=True)
    if not folder.config.is_file():
        raise UserError(problems)
    try:
        stored = TrainConfig.read(folder.config)
    except UserError as error:
        raise UserError([*problems, *error.problems]) from error
    for name, value in values.items():
        if name not in MAY_CHANGE and value != getattr(stored, name):
            problems.append(
                f"{flag(name)} {_shown(value)}: this run has {_shown(getattr(stored, name))}, and a resumed run keeps its "
                "settings; leave the flag out, or start a new run."
            )
    changed = {name: value for name, value in values.items() if name in MAY_CHANGE}
    if any(name in PATHS for name in changed):
        changed = {**dict.fromkeys(PATHS), **changed}  # where the data lies now, in place of where it lay
    config = replace(stored, **changed)
    if stored.drawn and not config.drawn:
        problems.append("this run draws its own smears; leave out DATA, --images and --masks, or start a new run.")
    return Request(config, folder, True, problems + config.problems())


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in text.replace("/", ",").split(","))
    except ValueError:
        raise ValueError("give shares for training, validation and test, as 0.8,0.1,0.1 or 80/10/10") from None
    return tuple(share / 100 for share in shares) if abs(sum(shares) - 100) < 1e-6 else shares


def _shown(value: Any) -> str:
    """A setting as it would be typed."""
    if isinstance(value, tuple):
        return ("x" if all(isinstance(part, int) for part in value) else ",").join(f"{part:g}" for part in value)
    return "none" if value is None else str(value)
