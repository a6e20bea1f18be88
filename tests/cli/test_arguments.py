"""The shared types of arguments, and a parser that reports every mistake at once."""

from pathlib import Path

import pytest

from minunet.cli import arguments
from minunet.cli.arguments import Parser
from minunet.errors import UserError


@pytest.mark.parametrize(
    ("text", "size"),
    [("256x192", (256, 192)), ("256X192", (256, 192)), ("7×5", (7, 5)), ("64", (64, 64)), ("1x1", (1, 1))],
)
def test_sizes(text, size):
    assert arguments.image_size(text) == size


@pytest.mark.parametrize(
    ("convert", "text", "message"),
    [
        (arguments.image_size, "0x5", "width and height must be at least 1"),
        (arguments.image_size, "5x-1", "width and height must be at least 1"),
        (arguments.image_size, "5x", "as 256x192"),
        (arguments.image_size, "1.5x2", "as 256x192"),
        (arguments.image_size, "", "as 256x192"),
        (arguments.positive_int, "0", "must be at least 1"),
        (arguments.positive_int, "1.5", "must be a whole number"),
        (arguments.non_negative_int, "-1", "must be at least 0"),
        (arguments.positive_float, "0", "must be greater than 0"),
        (arguments.positive_float, "fast", "must be a number"),
        (arguments.positive_float, "nan", "must be a finite number"),
        (arguments.positive_float, "inf", "must be a finite number"),
        (arguments.non_negative_float, "-0.1", "must be at least 0"),
        (arguments.non_negative_float, "nan", "must be a finite number"),
        (arguments.mask_threshold, "OTSU", "must be a number, or otsu"),
        (arguments.mask_threshold, "2", "must be from 0 to 1, or otsu"),
        (arguments.fraction, "1.01", "must be from 0 to 1"),
        (arguments.fraction, "-0.1", "must be from 0 to 1"),
    ],
)
def test_what_a_type_refuses(convert, text, message):
    with pytest.raises(ValueError, match=message):
        convert(text)


def test_what_the_types_read():
    assert arguments.positive_int("3") == 3 and arguments.non_negative_int("0") == 0
    assert arguments.positive_float("1e-3") == 1e-3
    assert arguments.fraction("0") == 0 and arguments.fraction("1") == 1


def parser():
    made = Parser(prog="thing")
    made.add_argument("paths", metavar="PATH", nargs="*", type=arguments.positive_int)
    made.add_argument("-s", "--size", type=arguments.image_size, default=(4, 4))
    made.add_argument("--mask", choices=("binary", "grayscale"), default="binary", help="what a mask is")
    made.add_argument("--epochs", type=arguments.positive_int, default=40)
    made.add_argument("--quiet", action="store_true")
    made.add_argument("--name")
    return made


def test_the_arguments_of_a_group_are_collected_too():
    made = Parser(prog="thing")
    group = made.add_argument_group("data")
    group.add_argument("--size", type=arguments.image_size, default=(4, 4))
    group.add_argument("--mask", choices=("binary", "grayscale"), default="binary")
    read, problems = made.parse_collecting(["--size", "0x5", "--mask", "soft"])
    assert (read.size, read.mask) == ((4, 4), "binary")
    assert problems == [
        "--size 0x5: width and height must be at least 1",
        "--mask soft: choose one of binary, grayscale",
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
        "PATH none: must be a whole number",
        "--size 0x1: width and height must be at least 1",
        "--mask grey: choose one of binary, grayscale",
        "--epochs -3: must be at least 1",
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
    assert caught.value.problems[0] == "--epochs 0: must be at least 1"
    assert caught.value.problems[1].endswith("--size: expected one argument; thing --help lists the arguments")
    with pytest.raises(UserError, match="unknown argument: --colour"):
        parser().parse_args(["--colour"])


def test_help_shows_the_choices(capsys):
    with pytest.raises(SystemExit) as left:
        parser().parse_args(["--help"])
    assert left.value.code == 0
    assert "--mask {binary,grayscale}  what a mask is" in " ".join(capsys.readouterr().out.split()).replace(
        "} what", "}  what"
    )


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
    parser.add_argument("--count", type=arguments.positive_int, default=1)
    with pytest.raises(UserError) as error:
        parser.parse_collecting(["", "--count", "0"])
    assert error.value.problems == ["FOLDER '': is empty; was a variable not set?", "--count 0: must be at least 1"]
