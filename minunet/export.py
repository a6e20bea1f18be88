# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.export MODEL --onnx FILE`: a trained model as a file for other programs."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import file_path
from minunet.cli.command import command
from minunet.cli.console import say_item
from minunet.cli.json_output import add_json_flag, run_with_json
from minunet.cli.model_argument import add_model_argument
from minunet.cli.parser import Parser
from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from minunet.exchange.check_image import drawn_image
from minunet.exchange.export_kinds import EXPORT_KINDS, path_problems, write_files
from minunet.exchange.export_request import ExportRequest
from minunet.exchange.model_card import author_problem, model_card, name_problem
from minunet.inference.loaded_model import LoadedModel
from minunet.wording import join_names

EPILOG = """\
Each file is checked before it gets its name: what it predicts for an image is compared
with what minunet predicts. All files that are asked for are written, or none.
docs/export.md says which program reads which file, and how.

examples:
  python -m minunet.export runs/first --onnx cells.onnx
  python -m minunet.export runs/first --onnx cells.onnx --onnx-preprocessing
  python -m minunet.export runs/first --bioimageio cells.zip --author "A. Smith" --license CC-BY-4.0
  python -m minunet.export pretrained --onnx cells.onnx --check smear.jpg
  python -m minunet.export runs/first --torch cells.safetensors --single-file count_cells.py
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_with_json(argv, export_model)


def export_model(typed: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Do what the arguments ask for; returns the exit code, and the document of --json."""
    arguments, problems = build_parser().parse_collecting(typed)
    files: dict[str, Path] = {
        name: path for name in EXPORT_KINDS if (path := getattr(arguments, name.replace("-", "_"))) is not None
    }
    if not files and not problems:
        problems.append(f"no file was named: give at least one of {join_names(f'--{name}' for name in EXPORT_KINDS)}.")
    if arguments.onnx_preprocessing and "onnx" not in files:
        problems.append("--onnx-preprocessing: says what an ONNX file holds; add --onnx FILE.onnx.")
    said = {"--name": arguments.name, "--author": arguments.author, "--license": arguments.license}
    if "bioimageio" not in files and (given := [flag for flag, value in said.items() if value]):
        problems.append(f"{join_names(given)}: only a package of bioimage.io says so; add --bioimageio FILE.zip.")
    problems += [problem for name in files if (problem := EXPORT_KINDS[name].packages_problem())]
    model = None
    try:
        model = load_model(arguments.model, "cpu")
    except UserError as error:
        problems += error.problems
    problems += path_problems(files, model.path if model else None, arguments.overwrite)
    try:
        image = None if arguments.check is None else decode(arguments.check)
    except UserError as error:
        problems += error.problems
    if problems or model is None:
        raise UserError(problems)
    request = build_request(arguments, model, image)
    if problems := [problem for name in files for problem in EXPORT_KINDS[name].problems(request)]:
        raise UserError(problems)
    say_item(print, "model", model.summary())
    written = write_files(request, files)
    document: dict[str, Any] = {"model": str(model.path), "files": {}}
    for name, path in files.items():
        size = path.stat().st_size
        say_item(print, "written", f"{path} ({size / 1e6:.1f} MB)", fold=False)
        document["files"][name] = {"path": str(path), "bytes": size, **written[name].facts}
        if EXPORT_KINDS[name].module is not None:
            module = str(EXPORT_KINDS[name].module_path(path))
            say_item(print, "", f"{module}, which loads it", fold=False)
            document["files"][name]["module"] = module
        say_item(print, "", *written[name].lines)
    return 0, document


def build_request(arguments: Namespace, model: LoadedModel, image: np.ndarray | None) -> ExportRequest:
    """What is asked for, by the arguments."""
    return ExportRequest(
        model,
        drawn_image(model.preprocessing) if image is None else image,
        "a drawn smear" if image is None else arguments.check.name,
        model_card(model, arguments.name, arguments.author, arguments.license),
        arguments.onnx_preprocessing,
    )


def card_name(text: str) -> str:
    """Read the name of a model."""
    if problem := name_problem(text):
        raise ValueError(problem)
    return text


def author_name(text: str) -> str:
    """Read the name of who made a model."""
    if problem := author_problem(text):
        raise ValueError(problem)
    return text


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.export",
        description="Write a trained model as a file for other programs.",
        epilog=EPILOG,
    )
    add_model_argument(parser)
    for name, kind in EXPORT_KINDS.items():
        parser.add_argument(f"--{name}", metavar=f"FILE{kind.ending}", type=file_path, help=kind.help)
    parser.add_argument(
        "--onnx-preprocessing",
        action="store_true",
        help="make an ONNX file that takes images as they are in their files, of any size, and gives maps of that size; a model of "
        "one cell diameter then has this diameter as a second input",
    )
    parser.add_argument(
        "--check",
        metavar="IMAGE",
        type=file_path,
        help="image with which the files are compared with the model (default a smear that minunet draws)",
    )
    card = parser.add_argument_group("what a package of bioimage.io says of the model")
    card.add_argument(
        "--name", metavar="TEXT", type=card_name, help="its name (default minunet, and the kind of network)"
    )
    card.add_argument("--author", metavar="NAME", nargs="+", type=author_name, help="who made it (default not stated)")
    card.add_argument(
        "--license",
        metavar="ID",
        help="what others may do with it, as an identifier of SPDX such as CC-BY-4.0 or MIT (default not stated)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    add_json_flag(parser, "what was written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
