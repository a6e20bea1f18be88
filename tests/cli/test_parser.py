"""A parser that reports every mistake at once."""

from pathlib import Path

import pytest

from minunet.cli.argument_types import image_size, positive_int
from minunet.cli.parser import Parser
from minunet.errors import UserError


def parser():
    made = Parser(prog="thing")
    made.add_argument("paths", metavar="PATH", nargs="*", type=positive_int)
    made.add_argument("-s", "--size", type=image_size, default=(4, 4))
    made.add_argument("--mask", choices=("binary", "grayscale"), default="binary", help="what a mask is")
    made.add_argument("--epochs", type=positive_int, default=40)
    made.add_argument("--quiet", action="store_true")
    made.add_argument("--name")
    return made


def test_the_arguments_of_a_group_are_collected_too():
    made = Parser(prog="thing")
    group = made.add_argument_group("data")
    group.add_argument("--size", type=image_size, default=(4, 4))
    group.add_argument("--mask", choices=("binary", "grayscale"), default="binary")
    read, problems = made.parse_collecting(["--size", "0x5", "--mask", "soft"])
    assert (read.size, read.mask) == ((4, 4), "binary")
    assert problems == [
        "--size 0x5: width and height must be at least 1.",
        "--mask soft: choose one of binary, grayscale.",
    ]


def test_good_arguments():
    read = parser().parse_args(["1", "2", "-s", "3x5", "--mask", "grayscale", "--quiet", "--name", "n"])
    assert (read.paths, read.size, read.mask, read.epochs, read.quiet, read.name) == (
        [1, 2],
        (3, 5),
        "grayscale",
        40,
        True,
        "n",
    )


def test_all_mistakes_at_once():
    with pytest.raises(UserError) as caught:
        parser().parse_args(["1", "none", "-s", "0x1", "--mask", "grey", "--epochs", "-3"])
    assert caught.value.problems == [
        "PATH none: must be a whole number.",
        "--size 0x1: width and height must be at least 1.",
        "--mask grey: choose one of binary, grayscale.",
        "--epochs -3: must be at least 1.",
    ]


def test_refused_values_leave_their_defaults_to_a_command_that_checks_more():
    read, problems = parser().parse_collecting(["1", "x", "2", "--epochs", "0", "--mask", "grey"])
    assert len(problems) == 3
    assert (read.paths, read.epochs, read.mask) == ([1, 2], 40, "binary")
    assert parser().parse_collecting([])[1] == []


def test_a_parser_used_twice_forgets_earlier_mistakes():
    made = parser()
    assert made.parse_collecting(["--epochs", "0"])[1]
    assert made.parse_collecting(["--epochs", "1"])[1] == []


def test_unknown_flags_and_missing_values_come_with_the_rest():
    with pytest.raises(UserError) as caught:
        parser().parse_args(["--epochs", "0", "--size"])
    assert caught.value.problems[0] == "--epochs 0: must be at least 1."
    assert caught.value.problems[1].endswith("--size: expected one argument; thing --help lists the arguments.")
    with pytest.raises(UserError, match="unknown argument: --colour"):
        parser().parse_args(["--colour"])


def test_help_shows_the_choices(capsys):
    with pytest.raises(SystemExit) as left:
        parser().parse_args(["--help"])
    assert left.value.code == 0
    assert "--mask {binary,grayscale}  what a mask is" in " ".join(capsys.readouterr().out.split()).replace(
        "} what", "}  what"
    )


@pytest.mark.parametrize("columns", ["80", "200"])
def test_help_is_laid_out_for_at_most_80_columns(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    made = Parser(prog="python -m thing")
    made.add_argument("--mask", choices=("binary", "grayscale", "neither-of-them"), help="what a mask is, in words")
    for number in range(12):
        made.add_argument(f"--flag-{number}", metavar="VALUE", help="a word " * 12)
    lines = made.format_help().splitlines()
    assert max(map(len, lines)) <= 80
    usage = lines[: lines.index("")]
    assert usage[0].startswith("usage: python -m thing ") and all(line.startswith(" " * 20) for line in usage[1:])
    place = lines.index("  --mask {binary,grayscale,neither-of-them}")
    assert lines[place + 1].strip() == "what a mask is, in words"


def test_empty_text_is_no_folder_but_a_mistake():
    parser = Parser(prog="draw")
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--resume", nargs="?", const="")
    with pytest.raises(UserError) as error:
        parser.parse_args(["", "--out", "", "--resume"])
    assert error.value.problems == [
        "FOLDER '': is empty; was a variable not set?",
        "--out '': is empty; was a variable not set?",
    ]
    assert parser.parse_args([".", "--resume"]).resume == ""


def test_a_refused_value_that_nothing_can_stand_in_for_ends_the_parsing():
    parser = Parser(prog="draw")
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--count", type=positive_int, default=1)
    with pytest.raises(UserError) as error:
        parser.parse_collecting(["", "--count", "0"])
    assert error.value.problems == ["FOLDER '': is empty; was a variable not set?", "--count 0: must be at least 1."]
