"""Output of the commands: labelled lines that fit a terminal, readable numbers, and a progress bar over files."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from typing import Any, TextIO

from minunet.cli.command_lines import command_lines
from minunet.cli.streams import is_terminal
from minunet.data.reading.file_workers import ProgressCallback
from minunet.progress_bars import bar_class

Say = Callable[[str], None]  # takes each line of text
LABEL = 10  # columns
WIDTH = 80


def say_item(say: Say, label: str, *lines: str, fold: bool = True) -> None:
    """Print a label and its lines, all with the same indentation.

    Parameters
    ----------
    say : callable
        Takes each line of text.
    label : str
    lines : str
    fold : bool
        Fold lines of more than 80 columns at spaces; False for a path.
    """
    parts = [part for line in lines for part in _fold(line)] if fold else lines
    for number, part in enumerate(parts):
        say(f"{label if number == 0 else '':<{LABEL}}{part}")


def say_commands(say: Say, label: str, *commands: str) -> None:
    """Print a label and commands to paste, folded at spaces into lines that a shell takes for one.

    The parameters are those of `say_item`; the commands are quoted for a shell.
    """
    lines = [line for command in commands for line in command_lines(command, WIDTH - LABEL)]
    say_item(say, label, *lines, fold=False)


def duration(seconds: float) -> str:
    """Format seconds as 6.2s, 1:05 or 1:02:03.

    Examples
    --------
    >>> duration(6.24), duration(65), duration(3723)
    ('6.2s', '1:05', '1:02:03')
    """
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def memory(size: float) -> str:
    """Format a number of bytes.

    Examples
    --------
    >>> memory(432e6), memory(2.57e9)
    ('430 MB', '2.6 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 995e6 else f"{round(size / 1e7) * 10} MB"


class FileProgressBar:
    """A progress bar over files on stderr, which disappears at the end; nothing where stderr is not a terminal.

    Parameters
    ----------
    label : str
    show : bool
        Whether to draw it at all.
    stream : text file, optional
        stderr unless given.
    """

    def __init__(self, label: str, *, show: bool = True, stream: TextIO | None = None):
        self.stream = sys.stderr if stream is None else stream
        self._bar: Any = None
        if show and is_terminal(self.stream):
            self._bar = bar_class()(
                desc=label,
                total=0,
                file=self.stream,
                dynamic_ncols=True,
                leave=False,
                bar_format="{desc} {n_fmt}/{total_fmt} |{bar}| {elapsed}, {remaining} left",
            )

    def __enter__(self) -> ProgressCallback:
        return self._update

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _update(self, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.total = total
            self._bar.n = done
            self._bar.refresh()


class PartsBar:
    """A second progress bar, over the parts of one large file; nothing for a file of one part.

    Parameters
    ----------
    label : str
    """

    def __init__(self, label: str):
        self.label = label
        self._bar: FileProgressBar | None = None

    def __enter__(self) -> ProgressCallback:
        return self._update

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*exception)

    def _update(self, done: int, total: int) -> None:
        if self._bar is None and total > 1:
            self._bar = FileProgressBar(self.label)
        if self._bar is not None:
            self._bar.__enter__()(done, total)


def _fold(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False) or [""]
