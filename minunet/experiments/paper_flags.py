"""The flags of `python -m minunet.paper`: their help, and how what was typed becomes a request.

A lab that was begun keeps its settings: what is typed again must be the same, and what is left out is taken from there.
"""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minunet.cli.argument_types import (
    fraction,
    image_size,
    mask_threshold,
    non_negative_int,
    positive_float,
    positive_int,
)
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.experiments.paper_numbers import M1, M2, implied
from minunet.experiments.study_folder import CONTENTS, LabFolder
from minunet.experiments.study_settings import PARTS, LabSettings
from minunet.kernels import backend
from minunet.runs.config import CHOICES, flag

PATHS = ("data", "images", "masks")
ELSEWHERE = "runs"

DESCRIPTION = f"""\
Repeat the paper's experiments and print its numbers beside ours. M1 learns grey
masks, M2 the same masks made black and white, both with the paper's network,
Adam and binary cross-entropy. The paper reports a loss of {M1.loss:.4f} and an
accuracy of {M1.accuracy:.4f} for M1, {M2.loss:.4f} and {M2.accuracy:.4f} for M2, and blames the ReLU at the
end of each contraction block; the lab trains both with and without it. Then the
other claims: ReLU, max pooling, few images."""

EPILOG = """\
what masks allow:
  Two bounds stand beside every score, computed from the test masks alone. The
  floor is the mean entropy of the targets: binary cross-entropy cannot fall
  below it, however good the network. The ceiling is the share of targets that
  are exactly 0 or 1: accuracy as Keras reports it counts a pixel as right where
  the rounded prediction equals the target, so that a grey target is never
  right. Of the paper's grey masks its own numbers of M1 say:
{implied}

where M1's greys come from:
  (default)     masks cut to black and white, then averaged when resized: grey
                along the outlines
  --graded      the mask files' own greys, value / full scale, for masks that
                are graded
  --levels A:B  besides, masks saved as two greys: background A and cells B, as
                shares of full scale. A demonstration: the shapes are those of
                the masks, the greys these. 0.25 and 0.75 lie near what the
                paper's loss says of its masks.

examples:
  python -m minunet.paper                          on smears that it draws
  python -m minunet.paper smears                   on images/ and masks/
  python -m minunet.paper smears --only claims --seeds 3
  python -m minunet.paper grey --graded --out runs/graded
  python -m minunet.paper --out runs/paper-smears  go on where it was stopped

DATA has any layout that minunet.train takes. A plan with the time that each
experiment takes comes first. Ctrl-C stops after the current step and keeps
everything; what is finished is never trained again.

the folder of the lab:
{contents}
"""


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes
    ----------
    settings : LabSettings
    folder : LabFolder
    parts : tuple of str
        Which of "m1m2" and "claims" to train now.
    seeds : int
        How often each experiment is trained.
    device : str
    threads : int or None
    problems : list of str
        What is wrong with the flags, as sentences.
    """

    settings: LabSettings
    folder: LabFolder
    parts: tuple[str, ...]
    seeds: int
    device: str
    threads: int | None
    problems: list[str]

    @property
    def going_on(self) -> str:
        """The command that goes on with this lab."""
        words = ["python", "-m", "minunet.paper", "--out", str(self.folder.path)]
        words += ["--only", *self.parts] if len(self.parts) < len(PARTS) else []
        words += ["--seeds", str(self.seeds)] if self.seeds > 1 else []
        words += ["--device", self.device] if self.device != "auto" else []
        words += ["--threads", str(self.threads)] if self.threads is not None else []
        return shlex.join(words)


def build_parser() -> Parser:
    """The parser; a flag that was not given is None."""
    contents = "\n".join(f"  {name:<14}{what}" for name, what in CONTENTS.items())
    said = "\n".join(
        textwrap.fill(sentence, 80, initial_indent="  - ", subsequent_indent="    ") for sentence in implied()
    )
    parser = Parser(
        prog="python -m minunet.paper",
        description=DESCRIPTION,
        epilog=EPILOG.format(contents=contents, implied=said),
    )
    plain = LabSettings()

    def add(group: Any, name: str, text: str, metavar: str | None = None, **options: Any) -> None:
        default = getattr(plain, name)
        shown = "" if default is None else f" [{shown_value(default, name)}]"
        if name in CHOICES:
            options["choices"] = CHOICES[name]
        else:
            options["metavar"] = metavar
        group.add_argument(flag(name), help=text + shown, **options)

    data = parser.add_argument_group("data")
    data.add_argument("data", nargs="?", metavar="DATA", help="folder with images and masks [smears are drawn]")
    add(data, "images", "folder of the images, in place of DATA", "DIR")
    add(data, "masks", "folder of the masks, in place of DATA", "DIR")
    add(data, "group", "keep images with the same match (a slide, a patient) on one side of the split", "REGEX")
    add(data, "threshold", "where a mask is cut into black and white", "otsu|0..1", type=mask_threshold)
    data.add_argument(
        "--graded", action="store_true", default=None, help="M1 learns the greys of the mask files as they are stored"
    )
    add(
        data,
        "levels",
        "train M1 also on masks saved as two greys; none leaves it out, as --graded does unless it is given",
        "A:B|none",
        type=_levels,
    )
    work = parser.add_argument_group("what to do")
    work.add_argument("--only", metavar="m1m2|claims", help="one half of the lab [both]", choices=PARTS)
    work.add_argument("--seeds", metavar="N", type=positive_int, default=1, help="train each experiment N times [1]")
    work.add_argument("--out", metavar="LAB", help=f"folder of the lab [{ELSEWHERE}/paper-<name of DATA>]")
    models = parser.add_argument_group("M1 and M2")
    add(models, "size", "resize every image to this many pixels", "WxH", type=image_size)
    add(models, "base_channels", "channels of the first block", "N", type=positive_int)
    add(models, "epochs", "times that every training image is seen", "N", type=positive_int)
    claims = parser.add_argument_group("the other claims")
    add(claims, "claims_size", "as --size", "WxH", type=image_size)
    add(claims, "claims_base_channels", "as --base-channels", "N", type=positive_int)
    add(claims, "claims_epochs", "as --epochs; with few images as many steps", "N", type=positive_int)
    both = parser.add_argument_group("all experiments")
    add(both, "depth", "how many times the image is halved, 1 to 8", "N", type=positive_int)
    add(both, "batch_size", "images in a step", "N", type=positive_int)
    add(both, "lr", "learning rate of Adam", "RATE", type=positive_float)
    add(both, "schedule", "how the learning rate moves")
    add(both, "seed", "the first seed; it also decides the split", "N", type=non_negative_int)
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--device", choices=backend.DEVICES, default="auto", help="auto takes a GPU where one is usable"
    )
    machine.add_argument("--threads", metavar="N", type=positive_int, help="CPU threads [all cores]")
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
    out, only, seeds = given.pop("out", None), given.pop("only", None), given.pop("seeds")
    device, threads = given.pop("device"), given.pop("threads", None)
    values = {
        name: str(Path(value).expanduser().absolute()) if name in PATHS else value for name, value in given.items()
    }
    if "levels" in values:
        values["levels"] = values["levels"] or None
    folder = LabFolder(out or Path(ELSEWHERE) / f"paper-{_name(values)}")
    problems += folder.problems()
    if folder.holds_lab():
        try:
            settings, differences = _continued(values, folder)
        except UserError as error:
            raise UserError([*problems, *error.problems]) from error
        problems += differences
    else:
        if values.get("graded"):
            values.setdefault("levels", None)
        settings = LabSettings(**values)
    problems += settings.problems()
    try:
        backend.resolve_device(device)
    except UserError as error:
        problems += error.problems
    return Request(settings, folder, PARTS if only is None else (only,), seeds, device, threads, problems)


def shown_value(value: Any, name: str = "") -> str:
    """A setting as it would be typed."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return (":" if name == "levels" else "x").join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _continued(values: dict[str, Any], folder: LabFolder) -> tuple[LabSettings, list[str]]:
    """The settings of the lab that is there, and a sentence for each that was typed and differs.

    Where the data lies may change; that it is the same data is checked by its content.
    """
    stored = folder.settings()
    problems = [
        f"{flag(name)} {shown_value(value, name)}: the lab in {folder.path} has {shown_value(getattr(stored, name), name)}, "
        "and its experiments can be compared only if all have the same; leave the flag out, or name another --out."
        for name, value in values.items()
        if name not in PATHS and value != getattr(stored, name)
    ]
    places = {name: values[name] for name in PATHS if name in values}
    if not places:
        return stored, problems
    if stored.drawn:
        return stored, [f"the lab in {folder.path} draws its own smears; leave the data out, or name another --out."]
    return LabSettings(**{**vars(stored), **dict.fromkeys(PATHS), **places}), problems


def _name(values: dict[str, Any]) -> str:
    """What the data is called, for the folder's name."""
    place = values.get("data") or values.get("images") or values.get("masks")
    return "synthetic" if place is None else Path(place).resolve().name or "data"


def _levels(text: str) -> tuple[float, ...]:
    if text == "none":
        return ()
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError("give the greys of background and cells, as 0.25:0.75, or none")
    return fraction(low), fraction(high)
