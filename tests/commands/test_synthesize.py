"""The command that draws a set: what it writes and prints, and its answers to bad input."""

import numpy as np
import pytest
from PIL import Image

from minunet import synthesize
from minunet.results.smear_sheet import TILE_WIDTH
from tests.printed_text import unfolded


def test_a_set_with_its_contact_sheet(tmp_path, capsys):
    out = tmp_path / "set"
    assert synthesize.main([str(out), "--count", "3", "--size", "64x48", "--seed", "2"]) == 0
    said = capsys.readouterr()
    assert str(out / "sheet.png") in said.out and "3 smears of 64x48 pixels" in said.out
    assert said.err == ""  # no terminal: no bar
    assert len(list((out / "images").iterdir())) == 3
    with Image.open(out / "images" / "smear_0000.png") as image:
        assert image.size == (64, 48)
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width > 3 * TILE_WIDTH
        assert np.asarray(sheet).std() > 10


def test_a_bar_on_a_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(synthesize, "is_terminal", lambda stream: True)
    assert synthesize.main([str(tmp_path / "set"), "--count", "2", "--size", "32"]) == 0
    assert "2/2" in capsys.readouterr().err


def test_a_set_of_the_wide_variety_with_cells_of_a_given_diameter(tmp_path):
    argv = ["--count", "2", "--size", "64", "--seed", "2"]
    assert synthesize.main([str(tmp_path / "mild"), *argv]) == 0
    assert synthesize.main([str(tmp_path / "wide"), *argv, "--variety", "wide"]) == 0
    assert synthesize.main([str(tmp_path / "small"), *argv, "--diameter", "6"]) == 0
    mild, wide, small = (
        len((tmp_path / name / "cells.csv").read_text().splitlines()) for name in ("mild", "wide", "small")
    )
    assert small > 3 * mild
    pictures = [(tmp_path / name / "images" / "smear_0001.png").read_bytes() for name in ("mild", "wide")]
    assert pictures[0] != pictures[1] and wide > 1


def test_every_bad_argument_is_told_at_once(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    code = synthesize.main([str(tmp_path / "file" / "set"), "--size", "0x5", "--count", "0", "--seed", "two"])
    assert code == 2
    said = capsys.readouterr().err
    assert "4 problems" in said
    assert "--size 0x5: width and height must be at least 1" in said
    assert "--count 0: must be at least 1" in said
    assert "--seed two: must be a whole number" in said
    assert "file: is a file where a folder is needed" in said


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--size", "64x8"], "--size 64x8: a smear is at least 16 pixels wide and high."),
        (["--count", "100000000000000000000"], "--count 100000000000000000000: at most 1000000 at a time"),
        (["--size", "big"], "--size big: a size is WIDTHxHEIGHT in pixels, as 256x192"),
        (["--size", "64x64x3"], "--size 64x64x3: a size is WIDTHxHEIGHT in pixels, as 256x192"),
        (["--variety", "wild"], "--variety wild: choose one of mild, wide"),
        (
            ["--size", "64x48", "--diameter", "3"],
            "--diameter 3: in an image of 64x48 pixels cells are 4 to 128 pixels wide.",
        ),
        (["--size", "64", "--diameter", "129"], "--diameter 129: in an image of 64x64 pixels cells are 4 to 128"),
        (["--diameter", "-2"], "--diameter -2: must be greater than 0"),
        (["--colour", "red"], "unknown argument: --colour;"),
    ],
)
def test_bad_arguments(tmp_path, capsys, argv, message):
    assert synthesize.main([str(tmp_path / "set"), *argv]) == 2
    said = capsys.readouterr()
    assert message in said.err and said.out == ""
    assert not (tmp_path / "set").exists()


def test_a_missing_folder_name(capsys):
    assert synthesize.main([]) == 2
    assert "required: OUT; python -m minunet.synthesize --help lists the arguments" in capsys.readouterr().err


def test_an_existing_set_is_refused(tmp_path, capsys):
    argv = [str(tmp_path), "--count", "1", "--size", "32"]
    assert synthesize.main(argv) == 0
    capsys.readouterr()
    assert synthesize.main(argv) == 2
    assert "never overwritten; remove it or name another folder" in capsys.readouterr().err


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.mkdir()])
def test_a_file_in_the_place_of_the_sheet_is_left_alone(tmp_path, capsys, make):
    make(tmp_path / "sheet.png")
    assert synthesize.main([str(tmp_path), "--count", "1", "--size", "32"]) == 2
    assert "sheet.png: is there already and would be overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_sheet_that_cannot_be_written_is_told(tmp_path, capsys, monkeypatch):
    draw = synthesize.smear_sheet

    def meanwhile(folder, names):
        (folder / "sheet.png").mkdir()
        return draw(folder, names)

    monkeypatch.setattr(synthesize, "smear_sheet", meanwhile)
    assert synthesize.main([str(tmp_path / "set"), "--count", "1", "--size", "32"]) == 2
    assert "sheet.png: is a folder where a file is to be written" in capsys.readouterr().err


def test_the_command_to_go_on_with_holds_for_a_folder_with_spaces(tmp_path, capsys):
    out = tmp_path / "my smears"
    assert synthesize.main([str(out), "--count", "1", "--size", "32"]) == 0
    assert f"train     python -m minunet.train '{out}'" in unfolded(capsys.readouterr().out)


def test_an_interrupted_command_says_what_is_left(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthesize, "write_set", interrupted)
    assert synthesize.main([str(tmp_path / "set")]) == 130
    assert f"interrupted: nothing was kept in {tmp_path / 'set'}" in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as left:
        synthesize.main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    for word in ("OUT/masks", "--count N", "default 256x256", "examples:", "python -m minunet.train"):
        assert word in said
