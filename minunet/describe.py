# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet.describe MODEL`: the layers of a model, with the algorithm that runs each, and why.

In a program `minunet.describe` is the function, also after `import minunet.describe`: see the last lines.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from minunet.checkpoints.model_file import load_model
from minunet.cli.argument_types import image_size, positive_int
from minunet.cli.command import command
from minunet.cli.json_output import add_json_flag, run_with_json
from minunet.cli.machine_arguments import add_machine_arguments
from minunet.cli.model_argument import add_model_argument
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.kernels.cpu.threads import set_num_threads
from minunet.summary import describe as summary
from minunet.summary.table import HEADINGS, Description

OWN_SIZE = (256, 256)  # of a model that takes images at their own size
EPILOG = """\
Nothing is computed: the network is followed over shapes only.

examples:
  python -m minunet.describe runs/first
  python -m minunet.describe pretrained --size 1600x1200 --json
  python -m minunet.describe runs/first --training --batch-size 8
"""


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_with_json(argv, describe_model)


def describe_model(typed: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Do what the arguments ask for; returns the exit code, and the document of --json."""
    arguments, problems = build_parser().parse_collecting(typed)
    try:
        model = load_model(arguments.model, arguments.device, arguments.precision)
    except UserError as error:
        problems += error.problems
    if problems:
        raise UserError(problems)
    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    shape = input_shape(arguments, model)
    precision = None if model.model.device == "cpu" else arguments.precision
    description = summary.describe(model.model, shape, precision, gradients=arguments.training)
    print(description)
    return 0, {"model": str(model.path), **document(description, shape)}


def input_shape(arguments: Namespace, model: LoadedModel) -> tuple[int, int, int, int]:
    """The shape (N, H, W, C) of the input that is asked about."""
    width, height = arguments.size or model.preprocessing.size or OWN_SIZE
    return arguments.batch_size, height, width, model.model.config["in_channels"]


def document(description: Description, shape: tuple[int, ...]) -> dict[str, Any]:
    """The table, for --json: a dictionary for each row, with the headings as keys."""
    keys = [heading.replace(" ", "_") for heading in HEADINGS]
    return {
        "input_shape": list(shape),
        "heading": description.heading,
        "parameters": description.parameters,
        "layers": [dict(zip(keys, row, strict=True)) for row in description.rows],
    }


def build_parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="python -m minunet.describe",
        description="List the layers of a model: shapes, parameters, and the algorithm that runs each.",
        epilog=EPILOG,
    )
    add_model_argument(parser)
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=image_size,
        help="of the images as the network gets them (default that of the model, or 256x256 where it has none)",
    )
    parser.add_argument("--batch-size", metavar="N", type=positive_int, default=1, help="images together (default 1)")
    parser.add_argument("--training", action="store_true", help="also list the backward pass of a training step")
    add_json_flag(parser, "the table")
    add_machine_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
else:
    # Importing a module of a package binds its name there, and would put this one in the place of the function.
    vars(summary.describe)["main"] = main
    vars(summary.describe)["build_parser"] = build_parser
    vars(summary.describe)["__spec__"] = __spec__  # for importlib.util.find_spec
    sys.modules[__name__] = summary.describe  # type: ignore[assignment]
