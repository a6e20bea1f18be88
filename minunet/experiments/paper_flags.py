"""The flags of `python -m minunet.paper`: their help, and how the command line becomes a `PaperRequest`.

A study in an existing folder keeps its settings: flags that are given again must be the same, the others are read from the folder.
"""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minunet.cli.argument_types import fraction, image_size, non_negative_int, path_text, positive_int
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.experiments.paper_numbers import M1, M2, implied_by_m1
from minunet.experiments.study_folder import STUDY_CONTENTS, StudyFolder
from minunet.experiments.study_settings import PARTS, StudySettings
from minunet.files.names import resolved
from minunet.kernels.machine import machine_problems
from minunet.runs.report_file import add_report_flag
from minunet.runs.setting_checks import DATA_PATHS, flag
from minunet.runs.setting_flags import (
    SETTING_FLAGS,
    SettingFlag,
    add_setting_flags,
    add_skip_unpaired,
    as_typed,
    given_settings,
)

DESCRIPTION = f"""\
Repeat the paper's experiments and print its numbers beside ours. M1 learns grey
masks, M2 the same masks made black and white, both with the paper's network,
Adam and binary cross-entropy. The paper reports a loss of {M1.loss:.4f} and an
accuracy of {M1.accuracy:.4f} for M1, {M2.loss:.4f} and {M2.accuracy:.4f} for M2, and blames the ReLU at the
end of each contraction block; the study trains both with and without it. Then
the other claims: ReLU, max pooling, few images."""

EPILOG = """\
what masks allow:
  Two limits stand beside every score, computed from the test masks only. The
  floor is the mean entropy of the targets: binary cross-entropy cannot fall
  below it, however good the network. The ceiling is the share of targets that
  are exactly 0 or 1: accuracy as Keras reports it counts a pixel as right where
  the rounded prediction equals the target, so that a grey target is never
  right. The paper's scores of M1 imply about its grey masks:
{implied}

where M1's greys come from:
  (default)     masks made black and white, then averaged when resized: grey
                along the outlines
  --graded      the mask files' own greys, value / full scale, for masks that
                are graded
  --levels A:B  also masks saved as two greys: background A and cells B, as
                shares of full scale. A demonstration: the shapes are those of
                the masks, the greys are given. 0.25 and 0.75 are close to
                what the paper's loss implies about its masks.

examples:
  python -m minunet.paper                          on smears that it draws
  python -m minunet.paper smears                   on images/ and masks/
  python -m minunet.paper smears --only claims --seeds 3
  python -m minunet.paper grey --graded --out runs/graded
  python -m minunet.paper --out runs/paper-smears  go on where it was stopped

DATA has any layout that minunet.train reads. A plan with the time that each
experiment takes comes first. Ctrl-C stops after the current step and keeps
everything; what is finished is never trained again.

the folder of the study:
{contents}
"""


def _levels(text: str) -> tuple[float, ...]:
    """The greys of background and cells, as (low, high); () for the word none."""
    if text == "none":
        return ()
    low, colon, high = text.partition(":")
    if not colon:
        raise ValueError("give the greys of background and cells, as 0.25:0.75, or none")
    return fraction(low), fraction(high)


STUDY_FLAGS = {
    **SETTING_FLAGS,
    "levels": SettingFlag(
        "train M1 also on masks saved as two greys; none means no such training, the default with --graded",
        "A:B|none",
        _levels,
    ),
    "claims_size": SettingFlag("as --size", "WxH", image_size),
    "claims_base_channels": SettingFlag("as --base-channels", "N", positive_int),
    "claims_epochs": SettingFlag("as --epochs; with few images, the same number of steps", "N", positive_int),
    "seed": SettingFlag("the first seed; it also decides the split", "N", non_negative_int),
}


@dataclass(frozen=True)
class PaperRequest:
    """A study as requested on the command line.

    Attributes
    ----------
    settings : StudySettings
    folder : StudyFolder
    parts : tuple of str
        Which of "m1m2" and "claims" to train now.
    seeds : int
        How often each experiment is trained.
    device : str
    threads : int or None
    problems : list of str
        What is wrong with the flags, as sentences.
    with_report : bool
        Whether report.html is written.
    """

    settings: StudySettings
    folder: StudyFolder
    parts: tuple[str, ...]
    seeds: int
    device: str
    threads: int | None
    problems: list[str]
    with_report: bool = True

    @property
    def resume_command(self) -> str:
        """The command that goes on with this study."""
        words = ["python", "-m", "minunet.paper", "--out", str(self.folder.path)]
        words += ["--only", *self.parts] if len(self.parts) < len(PARTS) else []
        words += ["--seeds", str(self.seeds)] if self.seeds > 1 else []
        words += ["--device", self.device] if self.device != "auto" else []
        words += ["--threads", str(self.threads)] if self.threads is not None else []
        return shlex.join(words)


def build_parser() -> Parser:
    """The parser; the value of a flag that was not given is None."""
    contents = "\n".join(f"  {name:<14}{what}" for name, what in STUDY_CONTENTS.items())
    implied = "\n".join(
        textwrap.fill(sentence, 80, initial_indent="  - ", subsequent_indent="    ") for sentence in implied_by_m1()
    )
    parser = Parser(
        prog="python -m minunet.paper",
        description=DESCRIPTION,
        epilog=EPILOG.format(contents=contents, implied=implied),
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "data", nargs="?", metavar="DATA", type=path_text, help="folder with images and masks (default draw smears)"
    )
    data.add_argument(
        "--graded", action="store_true", default=None, help="M1 learns the greys of the mask files as they are stored"
    )
    work = parser.add_argument_group("what to do")
    work.add_argument("--only", metavar="m1m2|claims", help="one half of the study (default both)", choices=PARTS)
    work.add_argument(
        "--seeds", metavar="N", type=positive_int, default=1, help="train each experiment N times (default 1)"
    )
    work.add_argument(
        "--out", metavar="STUDY", type=path_text, help="folder of the study (default runs/paper-<name of DATA>)"
    )
    add_report_flag(work)
    claims = ("claims_size", "claims_base_channels", "claims_epochs")
    for group, names in (
        (data, ("images", "masks", "group", "cell", "invert_masks", "threshold", "levels")),
        (parser.add_argument_group("M1 and M2"), ("size", "base_channels", "epochs")),
        (parser.add_argument_group("the other claims"), claims),
        (parser.add_argument_group("all experiments"), ("depth", "batch_size", "lr", "schedule", "seed")),
    ):
        add_setting_flags(group, names, StudySettings(), flags=STUDY_FLAGS)
    add_skip_unpaired(data)
    add_machine_arguments(parser.add_argument_group("machine"), precision=None)
    return parser


def read(argv: list[str] | None = None) -> PaperRequest:
    """Parse the command line.

    Raises
    ------
    UserError
        If parsing cannot go on; other mistakes are the request's `problems`.
    """
    arguments, problems = build_parser().parse_collecting(argv)
    values = given_settings(arguments)
    out, only, seeds = values.pop("out", None), values.pop("only", None), values.pop("seeds")
    with_report = not values.pop("no_report", False)
    device, threads = values.pop("device"), values.pop("threads", None)
    if "levels" in values:
        values["levels"] = values["levels"] or None
    folder = StudyFolder(out or Path("runs") / f"paper-{_data_name(values)}")
    problems += folder.problems()
    if folder.holds_study():
        try:
            settings, differences = _resumed(values, folder)
        except UserError as error:
            raise UserError([*problems, *error.problems]) from error
        problems += differences
    else:
        if values.get("graded"):
            values.setdefault("levels", None)
        settings = StudySettings(**values)
    problems += settings.problems() + machine_problems(device, "auto")
    parts = PARTS if only is None else (only,)
    return PaperRequest(settings, folder, parts, seeds, device, threads, problems, with_report)


def _resumed(values: dict[str, Any], folder: StudyFolder) -> tuple[StudySettings, list[str]]:
    """The settings of the existing study, and a sentence for each flag that differs from them.

    The data may have been moved; a digest of its content shows whether it is the same.
    """
    stored = folder.settings()
    problems = [
        f"{flag(name)} {as_typed(value, name)}: the study in {folder.path} has {as_typed(getattr(stored, name), name)}, "
        "and its experiments can be compared only if all have the same; leave the flag out, or name another --out."
        for name, value in values.items()
        if name not in DATA_PATHS and value != getattr(stored, name)
    ]
    places = {name: values[name] for name in DATA_PATHS if name in values}
    if not places:
        return stored, problems
    if stored.drawn:
        return stored, [f"the study in {folder.path} draws its own smears; leave the data out, or name another --out."]
    return StudySettings(**{**vars(stored), **dict.fromkeys(DATA_PATHS), **places}), problems


def _data_name(values: dict[str, Any]) -> str:
    """The name of the data, for the name of the folder."""
    path = values.get("data") or values.get("images") or values.get("masks")
    return "synthetic" if path is None else resolved(path).name or "data"
