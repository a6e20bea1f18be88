"""`python -m minunet.predict smear.jpg`: the model that comes with minunet, and the cell size that it brings images to."""

import numpy as np
import pytest
from PIL import Image

from minunet.checkpoints import pretrained
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.cell_folders import bright_is_cell, draw, flat, rows
from tests.commands.predict.prediction_folders import pictures, pixels, run, written


@pytest.fixture
def shipped(tmp_path_factory, monkeypatch):
    """A model that knows bright cells of 12 pixels, in the place of the shipped one."""
    path = tmp_path_factory.mktemp("models") / "blood_smears.safetensors"
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", write_model(path, bright_is_cell(), Preprocessing(diameter=12)))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("arguments", [["cells"], ["pretrained", "cells"], ["cells/*.png"]])
def test_folders_and_patterns(folder, capsys, arguments):
    assert run(*arguments, "--out", "out") == 0
    assert written(folder.parent / "out") == pictures("none", "one", "three")
    said = flat(capsys.readouterr().out)
    assert "model the one that comes with minunet, trained on drawn smears (docs/pretrained.md)" in said
    assert "python -m minunet.train DATA --init pretrained" in said
    assert "size cells of about" in said
    assert "--diameter PX sets it" in said
    counts = {row["image"]: row["cells"] for row in rows(folder.parent / "out" / "images.csv")}
    assert counts == {"none": "0", "one": "1", "three": "3"}


@pytest.mark.usefixtures("shipped")
def test_a_diameter_is_taken_at_its_word(folder, capsys):
    assert run("cells/one.png", "--out", "a", "--diameter", 24) == 0
    assert "by an estimate" not in capsys.readouterr().out
    assert run("cells/one.png", "--out", "b", "--diameter", 6) == 0
    assert not np.array_equal(pixels("a/one_probability.png"), pixels("b/one_probability.png"))
    assert run("cells/one.png", "--out", "c", "--diameter", 1000) == 1
    assert "one.png: a cell diameter of 1000.0: the image has only 96x64 pixels" in flat(capsys.readouterr().err)


@pytest.mark.usefixtures("shipped")
def test_a_folder_named_like_the_model(folder, capsys):
    folder.rename(folder.parent / "pretrained")
    assert run("pretrained", "pretrained/one.png", "--out", "out") == 2
    assert "write ./pretrained for the folder" in capsys.readouterr().err
    assert run("./pretrained", "--out", "out") == 0


@pytest.mark.parametrize("diameter", ["0", "-5", "nan", "inf", "wide", "1e9", ""])
def test_diameters_that_cannot_be(cell_model, folder, capsys, diameter):
    assert run(cell_model, folder, f"--diameter={diameter}") == 2
    assert "--diameter" in capsys.readouterr().err


def test_a_model_that_knows_no_diameter_refuses_one(cell_model, folder, capsys):
    assert run(cell_model, folder, "--diameter", 40, "--out", "out") == 2
    assert "--diameter 40: this model does not know how large the cells" in flat(capsys.readouterr().err)


@pytest.mark.usefixtures("shipped")
def test_an_image_that_is_all_one_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "whole.png", (32, 48, 80))
    Image.fromarray(np.zeros((1, 1), np.uint8)).save("dot.png")
    assert run("whole.png", "dot.png", "--out", "out") == 0
    assert {row["image"]: row["cells"] for row in rows("out/images.csv")} == {"whole": "1", "dot": "0"}
