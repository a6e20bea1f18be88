"""The examples run as they are, are short, and say what their page says."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet.data.synthetic import draw_smear

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def run(name, *arguments, cwd):
    environment = {"PYTHONPATH": str(EXAMPLES.parent), "OPENBLAS_NUM_THREADS": "1", "PATH": "", "HOME": str(cwd)}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def test_every_script_is_on_the_page_and_short():
    page = (EXAMPLES / "README.md").read_text()
    assert sorted(set(re.findall(r"\]\((\w+\.py)\)", page))) == SCRIPTS
    for name in SCRIPTS:
        assert len((EXAMPLES / name).read_text().splitlines()) <= 40, name


def test_a_new_layer(tmp_path):
    assert "gradcheck of the operation: True" in run("new_layer.py", cwd=tmp_path)


def test_a_look_inside(tmp_path):
    assert "bottleneck.convs.1" in run("look_inside.py", cwd=tmp_path)
    with Image.open(tmp_path / "first_maps.png") as picture:
        assert picture.size == (9 * 128, 96)


def test_a_loss_of_ones_own(tmp_path):
    losses = [float(value) for value in re.findall(r"loss (\S+)", run("own_loss.py", cwd=tmp_path))]
    assert losses[-1] < losses[0]
    assert minunet.load_model(tmp_path / "focal.safetensors").predict(np.zeros((20, 30), np.uint8)).shape == (20, 30)


@pytest.mark.ci
def test_from_arrays_to_counts(tmp_path):
    printed = run("train_from_arrays.py", tmp_path / "run", cwd=tmp_path)
    assert re.search(r"\d+ cells found, \d+ drawn", printed)
    assert (tmp_path / "run" / "cells.safetensors").is_file()


def test_a_folder_is_counted(tmp_path, monkeypatch, capsys):
    model = minunet.UNet(base_channels=2, depth=1)
    minunet.save_model(model, tmp_path / "model.safetensors")
    (tmp_path / "smears").mkdir()
    (tmp_path / "smears" / "notes.txt").write_text("not an image")
    Image.fromarray(draw_smear(np.random.default_rng(0), (48, 48)).image).save(tmp_path / "smears" / "a.png")
    monkeypatch.setattr(sys, "argv", ["count", str(tmp_path / "model.safetensors"), str(tmp_path / "smears")])
    runpy.run_path(str(EXAMPLES / "count_a_folder.py"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("a.png")
    assert lines[-1].split() == ["all", lines[1].split()[1]]
