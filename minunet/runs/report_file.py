"""The report file, report.html: how it gets into a folder of results, and the command that gives these results again."""

from __future__ import annotations

import os
import shlex
from argparse import _ActionsContainer
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from minunet.cli.console import Say, say_item
from minunet.errors import UserError
from minunet.files.atomic_write import write_text
from minunet.files.reading import open_regular

if TYPE_CHECKING:
    from minunet.results.report.report_page import ReportPage

REPORT = "report.html"


def add_report_flag(group: _ActionsContainer) -> None:
    """Add --no-report to the flags of a command."""
    group.add_argument(
        "--no-report",
        action="store_true",
        default=None,
        help=f"do not write {REPORT} (default on)",
    )


def write_report(folder: Path, command: str, make: Callable[[], ReportPage], say: Say) -> Path | None:
    """Write the report of a folder in one step, and print its name.

    Without Jinja2 nothing is written, and a line says how to get it. Nor is it where a file that the report needs has gone or is
    damaged; a line says which. A report.html that is not of the same command is kept.

    Parameters
    ----------
    folder : Path
    command : str
        The module of the command, such as "minunet.train".
    make : callable
        Makes the page; called only where it will be written.
    say : callable
        Takes each line of text.

    Returns
    -------
    Path or None
        The file that was written.

    Raises
    ------
    UserError
        If the system refuses.
    """
    from minunet.results.report.report_page import GENERATOR, missing_for_report, render_report  # slow to import

    if missing := missing_for_report():
        say_item(say, "report", missing)
        return None
    path = folder / REPORT
    if os.path.lexists(path) and not _begins_with(path, GENERATOR.format(command)):
        say_item(say, "report", f"none was written: {path} is there, and is no report of {command}")
        return None
    try:
        page = make()
    except UserError as error:
        say_item(say, "report", "none was written:", *error.problems)
        return None
    write_text(path, render_report(page, command))
    say_item(say, "report", str(path), fold=False)
    return path


def command_line(module: str, argv: Sequence[str], *, overwrite: bool = False) -> list[str]:
    """The command that gives the same results, as it was typed, and the folder in which it was typed.

    Parameters
    ----------
    module : str
        Such as "minunet.predict".
    argv : sequence of str
        What was typed behind it.
    overwrite : bool
        Whether it needs --overwrite, since its results are there now.
    """
    words = ["python", "-m", module, *argv, *(["--overwrite"] if overwrite and "--overwrite" not in argv else [])]
    return [f"cd {shlex.quote(str(Path.cwd()))}", shlex.join(words)]


def _begins_with(path: Path, text: str) -> bool:
    """Whether a text is in the beginning of a file."""
    try:
        with open_regular(path) as file:
            return text.encode("utf-8") in file.read(4096)
    except OSError:
        return False
