"""The benchmarks that compare precisions with float32, with tiny trainings: on the host shim, and imitated in NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu import bfloat16 as gpu_bfloat16
from benchmarks.gpu import dice as gpu_dice
from benchmarks.gpu import drawn_training
from benchmarks.gpu import probabilities as gpu_probabilities
from minunet.kernels import dispatch
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.device_checks.rounding import to_tf32
from tests.cuda_on_cpu.shim import cupy_on_cpu

ROOT = Path(__file__).resolve().parents[2]

TINY = ["--images", "3", "--size", "16", "--batch", "2", "--seeds", "2", "--base", "8"]


@pytest.mark.ci
@needs_compiler
def test_the_three_precisions_agree_on_the_host_shim(monkeypatch, tmp_path, capsys):
    host = cupy_on_cpu.install(monkeypatch)
    with dispatch.prefer("cuda"):
        code = gpu_dice.main([*TINY, "--epochs", "1", "--out", str(tmp_path)])
    written = json.loads((tmp_path / "gpu_dice.json").read_text())
    figures = written["figures"]
    assert figures["gpu"] == "host shim" and written["command"].startswith("python -m benchmarks.gpu.dice --seeds 2")
    assert {name: len(scores) for name, scores in figures["dice"].items()} == {"fp32": 2, "tf32": 2, "bf16": 2}
    assert code == int(max(abs(d) for d in figures["difference"].values()) > 0.005)
    assert "mean difference" in capsys.readouterr().out
    assert any("ampere_convolve<bfloat16" in instance for _, instance in host.launches)
    assert any(instance.startswith("convolve<float") for _, instance in host.launches)  # fp32, portable


def test_a_difference_above_the_limit_fails(monkeypatch, tmp_path, capsys):
    args = drawn_training.parser("gpu_dice", None, **gpu_dice.DEFAULTS).parse_args([*TINY, "--out", str(tmp_path)])
    for gap, code in ((0.004, 0), (0.006, 1), (-0.006, 1)):
        scores = {"fp32": 0.9, "bf16": 0.9 + gap}
        assert drawn_training.compare("x", args, ("fp32", "bf16"), lambda p, *rest: scores[p], {}) == code  # noqa: B023
    assert "bf16: mean difference -0.0060 from fp32, FAILED: not within 0.005" in capsys.readouterr().out


def test_training_learns_and_a_loss_that_is_not_finite_is_an_error():
    args = drawn_training.parser("x", None, **gpu_dice.DEFAULTS).parse_args([*TINY, "--epochs", "80"])
    pictures = drawn_training.drawn(3, 16, 0)
    run = {"seed": 0, "label": "fp32", "device": "cpu", "precision": "fp32"}
    assert drawn_training.dice(args, pictures, pictures, **run) > 0.7
    with pytest.raises(ArithmeticError, match="fp32, seed 0: loss nan"):
        drawn_training.dice(args, (pictures[0] * np.float32("nan"), pictures[1]), pictures, **run)


@needs_bfloat16
def test_the_imitation_rounds_as_bfloat16_does():
    import ml_dtypes

    x = values(np.random.default_rng(0), (7, 11), "float32")
    assert np.array_equal(gpu_bfloat16.rounded(x), x.astype(ml_dtypes.bfloat16).astype(np.float32))
    assert gpu_bfloat16.rounded((x, None))[1] is None


def test_the_imitation_trains_in_both(tmp_path):
    gpu_bfloat16.main([*TINY, "--epochs", "1", "--seeds", "1", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "gpu_bfloat16.json").read_text())["figures"]["dice"]
    assert set(found) == {"fp32", "bf16"}


def test_what_rounding_changes_in_probabilities(tmp_path, capsys):
    assert gpu_probabilities.main([*TINY, "--epochs", "2", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "gpu_probabilities.json").read_text())["figures"]
    assert {name: len(seeds) for name, seeds in found.items()} == {"tf32": 2, "bf16": 2}
    for tf32, bf16 in zip(found["tf32"], found["bf16"], strict=True):
        for change in (tf32, bf16):
            assert 0 < change["mean"] < change["one in a thousand"] <= change["largest"] < 0.1
        assert tf32["mean"] < bf16["mean"] / 2  # 10 bits beside 7
    assert capsys.readouterr().out.count("change of a probability") == 4


def test_changes_of_probabilities():
    exact = np.array([0.1, 0.49, 0.9, 0.2])
    found = gpu_probabilities.changes(exact, exact + [0.0, 0.02, -0.04, 0.0])
    assert found == pytest.approx(
        {"largest": 0.04, "one in a thousand": 0.04, "mean": 0.015, "other answers": 0.25}, rel=5e-3
    )


def test_the_imitation_of_tf32_rounds_only_factors():
    rng = np.random.default_rng(0)
    x, w = values(rng, (1, 5, 6, 3), "float32"), values(rng, (3, 3, 3, 4), "float32")
    (rounded,) = gpu_probabilities.to_tf32((x,))
    assert np.array_equal(rounded, to_tf32(x)) and not np.array_equal(rounded, x)
    conv2d = dispatch.primitives()["conv2d"]
    rest = None, (1, 1), ((1, 1), (1, 1)), None
    found = gpu_probabilities.in_tf32(conv2d, ((x,), w, *rest))
    assert np.array_equal(found, conv2d((rounded,), to_tf32(w), *rest))
    relu = dispatch.primitives()["relu"]
    assert np.array_equal(gpu_probabilities.in_tf32(relu, (x,)), relu(x))


def test_a_bare_checkout_without_a_gpu():
    code = (
        "import sys; sys.modules['safetensors'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'threadpoolctl' else find(name, *a)\n"
        "from benchmarks.gpu import dice as gpu_dice\n"
        "assert gpu_dice.MISSING == ['threadpoolctl']\n"
        "gpu_dice.why_no_gpu = lambda: 'CuPy is not installed'\n"
        "sys.exit(gpu_dice.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.strip() == "error: CuPy is not installed", done.stderr
