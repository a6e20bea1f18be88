"""The argument MODEL: a file, a run folder, or the model that comes with minunet."""

from __future__ import annotations

import argparse

from minunet.cli.argument_types import path_text

MODEL = "model.safetensors, the run folder that holds it, or pretrained: the model that comes with minunet"


def add_model_argument(parser: argparse._ActionsContainer) -> None:
    """Add MODEL to a parser; its value is the text that `load_model` takes."""
    parser.add_argument("model", metavar="MODEL", type=path_text, help=MODEL)
