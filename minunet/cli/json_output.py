"""--json: one JSON document on stdout, and nothing else there; what a command prints for people goes to stderr."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from minunet.errors import UserError
from minunet.files.json_files import finite

FLAG = "--json"
MISTAKE = 2  # the exit code
# Does what arguments ask for; returns exit code and document.
Action = Callable[[Sequence[str]], tuple[int, dict[str, Any]]]


def add_json_flag(parser: argparse._ActionsContainer, what: str) -> None:
    """Add --json to a parser; `what` the document holds."""
    parser.add_argument(FLAG, action="store_true", help=f"print {what} as one JSON document, and all else on stderr")


def run_with_json(argv: Sequence[str] | None, action: Action) -> int:
    """Do the work of a command, and print its document where the arguments have --json; returns the exit code.

    A mistake in what was given is a document too, with the sentences as "problems"; each document has the "exit_code". The
    arguments are those of the process where `argv` is None.
    """
    typed = sys.argv[1:] if argv is None else argv
    if FLAG not in typed:
        return action(typed)[0]
    with contextlib.redirect_stdout(sys.stderr):
        try:
            code, document = action(typed)
        except UserError as error:
            code, document = MISTAKE, {"problems": error.problems}
    say_json({**document, "exit_code": code})
    return code


def say_json(document: dict[str, Any]) -> None:
    """Print a JSON document in letters of ASCII, which every reader accepts, whatever names the files have."""
    print(json.dumps(finite(document), indent=2, allow_nan=False))
