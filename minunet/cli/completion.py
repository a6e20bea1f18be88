"""Completion at the Tab key, by argcomplete where it is installed: commands, flags, choices and files.

The shell runs the command itself with `_ARGCOMPLETE` set; argcomplete then prints what fits and ends the process. The comment
PYTHON_ARGCOMPLETE_OK at the top of a command is the sign by which argcomplete finds out that it may be run like that.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable

ASKED = "_ARGCOMPLETE"  # set by the shell: 1 + the number of words of the line that are the program, such as 3 for python -m


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, if it is the shell that asks; does not return then."""
    if ASKED not in os.environ:
        return
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def completed_command(commands: list[str]) -> str | None:
    """The command whose arguments the shell asks for, in a line such as "minunet train --ep"; None where it asks for nothing.

    The command is counted as a word of the program from then on.
    """
    start = os.environ.get(ASKED, "")
    if not start.isdecimal():
        return None
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0") or 0) or None]
    try:
        words = shlex.split(line)
    except ValueError:  # within quotation marks
        words = line.split()
    place = int(start)
    begun = len(words) > place and (len(words) > place + 1 or line.endswith(" "))
    if not begun or words[place] not in commands:
        return None
    os.environ[ASKED] = str(place + 1)
    return words[place]


def completed(action: argparse.Action, choices: Iterable[object] | None) -> argparse.Action:
    """The action, with its choices for the shell, where the parser checks them by itself."""
    if choices is not None:
        action.completer = lambda **_: list(map(str, choices))  # type: ignore[attr-defined]
    return action
