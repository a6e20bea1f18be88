"""Command lines: a command to paste, folded into lines that fit a terminal and that a shell takes for one."""

from __future__ import annotations

import shlex

INDENT = 4


def command_lines(command: str, width: int) -> list[str]:
    """A command in lines of at most `width` columns, where no single word is longer.

    Parameters
    ----------
    command : str
        Quoted for a shell.
    width : int

    Returns
    -------
    list of str
        All but the last end with a backslash.
    """
    lines: list[str] = []
    line = ""
    words = list(map(shlex.quote, shlex.split(command)))
    groups = _groups(words)
    for number, group in enumerate(groups):
        room = width if number == len(groups) - 1 else width - 2  # " \" behind all lines but the last
        longer = f"{line} {group}" if line else group
        if line and len(longer) > room:
            lines.append(line + " \\")
            longer = " " * INDENT + group
        line = longer
    return [*lines, line]


def _groups(words: list[str]) -> list[str]:
    """The words, each flag with its value, the beginning in one."""
    groups = [" ".join(words[:3])]
    for word in words[3:]:
        if (
            groups[-1].startswith("--")
            and "=" not in groups[-1]
            and " " not in groups[-1]
            and not word.startswith("--")
        ):
            groups[-1] += f" {word}"
        else:
            groups.append(word)
    return groups
