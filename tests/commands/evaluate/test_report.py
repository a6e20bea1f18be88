"""What `python -m minunet.evaluate` prints and writes: the worst images first, files of numbers, warnings, and the help."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

import minunet.evaluate as command
from minunet.evaluate import main
from tests.commands.evaluate.small_evaluations import draw, numbers, run


def test_files_of_out(root, capsys):
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    with open("out/per_image.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["name"] for row in rows) == list("abcdef")
    assert [float(row["dice"]) for row in rows] == sorted(float(row["dice"]) for row in rows)
    found = numbers()
    assert [row["name"] for row in rows] == [image["name"] for image in found["images"]]
    assert float(rows[0]["loss"]) == found["images"][0]["loss"]
    assert found["mean_over_images"]["dice"] == pytest.approx(np.mean([float(row["dice"]) for row in rows]))
    with Image.open("out/cases.png") as cases:
        assert cases.width > 4 * 200
    assert "open      out/cases.png" in capsys.readouterr().out


def test_worst_images_first_and_no_more_than_fit(root, tmp_path, capsys):
    many = draw(tmp_path / "many", [f"n{number}" for number in range(14)], seed=3)
    assert run("run", many) == 0
    output = capsys.readouterr().out
    lines = output.splitlines()
    start = lines.index("the 10 worst of 14 images, by Dice:") + 2
    listed = [float(line.split()[0]) for line in lines[start : start + 10]]
    assert listed == sorted(listed)
    assert lines[start + 10] == ""
    assert "--out DIR writes these numbers" in output


def test_one_image(root, tmp_path):
    assert run("run", draw(tmp_path / "one", "x", seed=4), "--out", "out") == 0
    assert numbers()["count"] == 1


def test_terminal_of_80_columns(root, monkeypatch, capsys):
    assert run("run", root / "data", "--side", "all") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80 and str(root) not in line] == []


def test_warnings_of_the_data_are_shown(root, tmp_path, capsys):
    data = draw(tmp_path / "data", "xy", seed=4)
    shutil.copy(data / "images/x.png", data / "images/y.png")
    shutil.copy(data / "masks/x.png", data / "masks/y.png")
    assert run("run", data) == 0
    assert "warning" in capsys.readouterr().out


def test_threads_are_set(root, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "set_num_threads", seen.append)
    assert run("run", root / "data", "--threads", "2") == 0
    assert seen == [2]


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    output = capsys.readouterr().out
    for word in ("Dice", "split.json", "metrics.json", "examples", "--native"):
        assert word in output
