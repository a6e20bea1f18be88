# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.import_model FILE --output MODEL`: weights that were trained in PyTorch as a model of minunet."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from minunet.cli.argument_types import file_path, fraction
from minunet.cli.command import command
from minunet.cli.console import say_item
from minunet.cli.json_output import add_json_flag, run_with_json
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.exchange.model_import import import_weights
from minunet.files.folders import unwritable
from minunet.files.names import resolved

ENDING = ".safetensors"
EPILOG = """\
what is read, without PyTorch, and without running anything that is in the file:
  the state dict of milesial's U-Net (https://github.com/milesial/Pytorch-UNet),
  as .pth or .safetensors, with bilinear=False; also within a checkpoint, or of
  DataParallel
  a file that python -m minunet.export MODEL --torch FILE.safetensors wrote,
  also after more training in PyTorch
docs/export.md says what is equal to PyTorch, and what is not.

examples:
  python -m minunet.import_model checkpoint_epoch5.pth --output cells.safetensors
  python -m minunet.import_model unet_carvana_scale1.0_epoch2.pth --output car.safetensors --scale 1
  python -m minunet.predict cells.safetensors smear.jpg
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_with_json(argv, import_model)


def import_model(typed: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Do what the arguments ask for; returns the exit code, and the document of --json."""
    arguments, problems = build_parser().parse_collecting(typed)
    source, output = arguments.file, arguments.output
    if output is not None:
        if output.suffix.lower() != ENDING:
            problems.append(f"--output {output}: the name of a model ends in {ENDING}; name it so.")
        elif os.path.isdir(output):
            problems.append(f"--output {output}: is a folder; name a file.")
        elif source is not None and resolved(output) == resolved(source):
            problems.append(f"--output {output}: is the file that is read; name another one.")
        elif os.path.lexists(output) and not arguments.overwrite:
            problems.append(f"--output {output}: is there already; add --overwrite, or name another file.")
        elif reason := unwritable(output.parent):
            problems.append(f"--output {output}: {reason}")
    if source is not None and not os.path.lexists(source):
        problems.append(f"{source}: there is no such file; check the path.")
    if problems:
        raise UserError(problems)
    imported = import_weights(source, output, arguments.scale, arguments.classes)
    first, *others = imported.lines
    say_item(print, "read", first)
    say_item(print, "", *others)
    say_item(print, "model", str(output), fold=False)
    say_item(print, "predict", f"python -m minunet.predict {shlex.quote(str(output))} IMAGES", fold=False)
    return 0, {"file": str(source), "model": str(output), **imported.facts}


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.import_model",
        description="Turn weights that were trained in PyTorch into a model of minunet.",
        epilog=EPILOG,
    )
    parser.add_argument("file", metavar="FILE", type=file_path, help="a .pth, .pt or .safetensors file")
    parser.add_argument(
        "--output", metavar="MODEL.safetensors", type=file_path, required=True, help="the model file that is written"
    )
    parser.add_argument(
        "--scale",
        metavar="FACTOR",
        type=image_scale,
        help="by which images were resized in the training of milesial's U-Net (default 0.5, as in its code)",
    )
    parser.add_argument(
        "--classes",
        metavar="NAMES",
        type=names_of_classes,
        help="of a network with three or more classes: their names with commas between them, the background first",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a model that is there already")
    add_json_flag(parser, "what was read and written")
    return parser


def image_scale(text: str) -> float:
    """Read a factor above 0 and up to 1."""
    value = fraction(text)
    if not value:
        raise ValueError("must be above 0")
    return value


def names_of_classes(text: str) -> tuple[str, ...]:
    """Read names with commas between them, such as "background,red,white"."""
    return tuple(name.strip() for name in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
