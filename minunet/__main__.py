# PYTHON_ARGCOMPLETE_OK
"""`python -m minunet`: the list of commands, and the way to run one by its name.

The console script `minunet` does the same: `minunet train FOLDER` is `python -m minunet.train FOLDER`.
"""

from __future__ import annotations

import difflib
import importlib
import sys

from minunet.cli.command import command
from minunet.cli.completion import complete, completed_command
from minunet.cli.parser import Parser
from minunet.errors import UserError
from minunet.ranks import launched_rank
from minunet.version import __version__

COMMANDS = {
    "train": "train a U-Net on images and masks, or on smears it draws",
    "doctor": "look at a data set before training on it",
    "evaluate": "score a trained model against masks",
    "predict": "write masks and overlays for images",
    "show": "show what the layers of a network make of an image",
    "describe": "list the layers of a model, and what runs each",
    "compare": "compare two folders of masks or labels, cell by cell",
    "export": "write a model as a file for other programs",
    "import_model": "turn weights of PyTorch into a model",
    "synthesize": "draw blood smears with exact masks",
    "paper": "repeat the paper's experiments and print its numbers beside ours",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command that `argv` names, or print the list of commands; return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    rank, _ = launched_rank() or (0, 1)
    if rank > 0:  # the command decides what the processes besides rank 0 do
        return run_command(*arguments) if arguments[:1] and arguments[0] in COMMANDS else 0
    return first_rank(arguments)


@command
def first_rank(argv: list[str] | None = None) -> int:
    """As `main`, in the frame of a command."""
    arguments = list(argv or ())
    if (asked := completed_command([*COMMANDS])) is not None:
        arguments = [asked]
    else:
        complete(command_names())
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(listing())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"minunet {__version__}")
        return 0
    if arguments[0] not in COMMANDS:
        raise UserError(unknown(arguments[0]))
    return run_command(*arguments)


def run_command(name: str, *arguments: str) -> int:
    """Run a command; return its exit code."""
    return importlib.import_module(f"minunet.{name}").main(list(arguments))


def command_names() -> Parser:
    """A parser of the first argument, for its completion."""
    parser = Parser(prog="minunet")
    parser.add_argument("command", choices=[*COMMANDS])
    return parser


def listing() -> str:
    """The list of commands, one line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            f"minunet {__version__}: a U-Net for blood-cell images, from scratch on NumPy and CuPy",
            "",
            "usage: python -m minunet COMMAND ...    (or: minunet COMMAND ...)",
            "",
            *lines,
            "",
            "python -m minunet COMMAND --help explains one.",
        ]
    )


def unknown(name: str) -> str:
    """The error message for an unknown command, with the name that was probably meant."""
    close = difflib.get_close_matches(name.lower().lstrip("-"), COMMANDS, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"'{name}' is not a command; {hint}The commands are {', '.join(COMMANDS)}; python -m minunet explains them."


if __name__ == "__main__":
    sys.exit(main())
