"""The commands with --device cuda, on the stand-in for CuPy and the host shim: from training and resuming to prediction."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet import evaluate, predict, train
from minunet.kernels import dispatch
from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.shim import cupy_on_cpu

pytestmark = needs_compiler
SMALL = ("--size", "16x12", "--base-channels", "8", "--depth", "1", "--batch-size", "2", "--variant", "classic")


@pytest.fixture
def host(monkeypatch):
    with dispatch.prefer("cuda"):  # the paths of NumPy take the stand-in's arrays for NumPy's
        yield cupy_on_cpu.install(monkeypatch)


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """images/ and masks/ of six bright squares."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for k in range(6):
        mask = np.zeros((12, 16), np.uint8)
        row, column = rng.integers(0, (6, 10))
        mask[row : row + 6, column : column + 6] = 255
        pixels = mask // 2 + rng.integers(0, 90, mask.shape).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"square{k}.png")
        Image.fromarray(mask).save(folder / "masks" / f"square{k}.png")
    return folder


def run(command, *arguments):
    return command.main([str(argument) for argument in arguments])


@pytest.mark.ci
@pytest.mark.parametrize("target", ["pixels", "cells"])
def test_a_run_on_the_gpu_from_training_to_prediction(host, squares, target, tmp_path, capsys, monkeypatch):
    if target == "cells":
        pytest.importorskip("skimage")
    folder = tmp_path / "run"
    machine = "--device", "cuda", "--precision", "tf32"
    assert run(train, squares, "--out", folder, *SMALL, "--epochs", 1, *machine, "--target", target) == 0
    said = capsys.readouterr().out
    assert re.search(r"^memory    \d+ MB of the GPU \(all steps and the validation\)$", said, re.M)
    assert "precision tf32, each step one CUDA graph" in said
    assert ("adam.cu", "advance") in host.launches
    assert json.loads((folder / "metrics.json").read_text())["precision"] == "tf32"
    assert run(train, "--resume", folder, "--epochs", 2) == 0  # device auto, in the precision it was begun in
    assert json.loads((folder / "config.json").read_text())["precision"] == "tf32"
    assert run(evaluate, folder, squares, "--side", "all", *machine) == 0
    assert "on cuda, tf32" in capsys.readouterr().out
    assert run(predict, folder, squares / "images", "--out", tmp_path / "out", "--device", "cuda") == 0
    assert len(list((tmp_path / "out").glob("*_mask.png"))) == 6

    image = squares / "images" / "square1.png"
    there = minunet.load_model(folder, "cuda").predict(image)
    moved = minunet.load_model(folder, "cpu").to("cuda", "fp32")
    assert (moved.device, moved.precision, moved.model.device) == ("cuda", "fp32", "cuda")
    exact = moved.predict(image)
    monkeypatch.undo()
    here = minunet.load_model(folder, "cpu").predict(image)
    assert np.abs(exact - here).max() < 1e-5 and np.abs(there - here).max() < 5e-3
    assert not np.array_equal(there, here)


@pytest.mark.ci
def test_the_reason_for_no_graph_is_printed_once(host, squares, tmp_path, capsys):
    assert run(train, squares, "--out", tmp_path / "run", *SMALL, "--epochs", 1, "--loss", "dice") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "(an estimate from shapes)" in said
    assert said.count("precision tf32, op by op: the fused step minimises only cross-entropy") == 1
    assert json.loads((tmp_path / "run" / "config.json").read_text())["precision"] == "tf32"  # what auto came to


def test_an_old_gpu_has_only_fp32(monkeypatch, squares, tmp_path, capsys):
    cupy_on_cpu.install(monkeypatch, capability="75")
    assert run(train, squares, "--out", tmp_path / "run", *SMALL, "--precision", "bf16") == 2
    assert "compute capability 8.0 or newer, this one has 7.5; give fp32" in capsys.readouterr().err.replace("\n", " ")
