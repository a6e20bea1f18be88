"""Printed lines: numbers for readers, labels and folding, and the bar over files."""

import io

import pytest

from minunet.cli.console import FileProgressBar, duration, memory, say_commands, say_item
from tests.printed_text import unfolded


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0s"), (59.94, "59.9s"), (59.96, "1:00"), (65.4, "1:05"), (3599.6, "1:00:00"), (36000, "10:00:00")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_memory():
    assert [memory(size) for size in (4e6, 432e6, 994e6, 999e6, 2.57e9)] == [
        "0 MB",
        "430 MB",
        "990 MB",
        "1.0 GB",
        "2.6 GB",
    ]


def test_long_lines_are_folded_under_themselves_unless_they_are_to_be_copied():
    lines = []
    say_item(lines.append, "warning", "word " * 30)
    assert len(lines) == 3 and lines[0].startswith("warning   word") and lines[1].startswith("          word")
    assert max(map(len, lines)) <= 80
    lines.clear()
    say_item(lines.append, "open", "word " * 30, fold=False)
    assert len(lines) == 1


def test_commands_are_folded_so_that_a_shell_takes_them_for_one():
    lines = []
    commands = [f"python -m minunet.train 'a folder/{letter * 40}' --size 256x192 --seed 7" for letter in "ab"]
    say_commands(lines.append, "use", "python -m minunet", *commands)
    assert max(map(len, lines)) <= 80 and [line.endswith(" \\") for line in lines] == [False, *2 * [True, True, False]]
    assert unfolded("\n".join(lines)).splitlines() == [
        "use       python -m minunet",
        *[f"          {command}" for command in commands],
    ]


def test_a_bar_over_files_shows_only_on_a_terminal():
    for stream, show, expected in ((Terminal(), True, True), (Terminal(), False, False), (io.StringIO(), True, False)):
        with FileProgressBar("reading", show=show, stream=stream) as progress:
            progress(0, 4)
            progress(3, 4)
        assert ("reading 3/4" in stream.getvalue()) == expected
