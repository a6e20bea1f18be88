"""The benchmark that times each call of a training step: its rows are those of `describe`, and its sums add up."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import minunet
from benchmarks import layers, scaling
from benchmarks.cpu.layer_table import layer_table
from benchmarks.cpu.timed_calls import time_calls
from minunet import functional as F

CASE = {"base": 4, "batch": 1, "size": 32, "variant": "classic"}
TINY = ["--base", "4", "--batch", "1", "--size", "32", "--rounds", "2"]


def ticking(*steps):
    """A clock that advances by `steps` milliseconds from reading to reading, again and again."""
    readings = itertools.accumulate(itertools.cycle(steps), initial=0)
    return lambda: next(readings) / 1e3


@pytest.mark.parametrize("variant", ["classic", "paper"])
@pytest.mark.parametrize("task", ["step", "inference"])
def test_rows_are_those_of_describe_and_what_surrounds_the_network(task, variant):
    found = layers.measure(task, {**CASE, "variant": variant}, 1)["rows"]
    model = minunet.UNet(base_channels=4, variant=variant)
    described = minunet.describe(model, (1, 32, 32, 1), gradients=task == "step").rows
    expected = [(layer, operation, list(shape), algorithm) for layer, operation, shape, _, algorithm, _ in described]
    if task == "step":
        forward = sum(not row[1].endswith(("_grad", "_grads")) for row in expected)
        loss = [("", "bce_with_logits", [], "reference"), ("", "bce_with_logits_grad", [1, 32, 32, 1], "reference")]
        expected = [*expected[:forward], *loss, *expected[forward:], ("", "adam", [], "adam")]
    assert [(row["layer"], row["operation"], row["shape"], row["algorithm"]) for row in found] == expected


def test_the_sums_add_up():
    found = layers.measure("step", CASE, 3)
    rows, operations = found["rows"], found["operations"]
    assert [kind["operation"] for kind in operations] == list(dict.fromkeys(row["operation"] for row in rows))
    for kind in operations:
        of_kind = [row for row in rows if row["operation"] == kind["operation"]]
        assert kind["calls"] == len(of_kind)
        assert kind["ms"] == pytest.approx(sum(row["ms"] for row in of_kind))
        assert kind["share"] == pytest.approx(kind["ms"] / found["whole"]["ms"])
        if kind["operation"].startswith("conv"):
            assert kind["gflops"] == pytest.approx(sum(row["gflop"] for row in of_kind) / kind["ms"] * 1e3)
        else:
            assert kind["gflops"] is None and all(row["gflops"] is row["gflop"] is None for row in of_kind)
    assert 0 < found["whole"]["min_ms"] <= found["whole"]["ms"] <= found["whole"]["max_ms"]


def test_the_rate_is_that_of_the_direct_algorithm():
    # A millisecond passes in every call, before the first, between two and after the last.
    found = layers.measure("step", CASE, 3, clock=ticking(1))
    rows = {(row["layer"], row["operation"]): row for row in found["rows"]}
    assert all(row["ms"] == pytest.approx(1) for row in found["rows"])
    products = 9 * 64 * 64 * 2 * 2  # taps, input and output channels, pixels
    assert rows["bottleneck.convs.1", "conv2d"]["gflops"] == pytest.approx(2 * products / 1e-3 / 1e9)
    assert rows["bottleneck.convs.1", "conv2d_grads"]["gflops"] == pytest.approx(4 * products / 1e-3 / 1e9)
    products = 9 * 1 * 4 * 32 * 32  # the first layer has no input gradient
    assert rows["contraction.0.convs.0", "conv2d_grads"]["gflops"] == pytest.approx(2 * products / 1e-3 / 1e9)
    products = 4 * 64 * 32 * 2 * 2
    assert rows["expansion.0.up", "conv_transpose2d"]["gflops"] == pytest.approx(2 * products / 1e-3 / 1e9)
    assert rows["", "adam"]["gflops"] is None
    calls = len(found["rows"])
    assert found["whole"]["ms"] == pytest.approx(2 * calls + 1) and found["whole"]["rounds"] == 3
    assert found["outside"]["ms"] == pytest.approx(calls + 1)
    shares = [kind["share"] for kind in found["operations"]]
    assert sum(shares) + found["outside"]["share"] == pytest.approx(1)


def test_a_call_takes_its_median_over_the_counted_rounds_and_warming_up_is_not_counted():
    x = np.ones((2, 3), np.float32)
    # A round reads the clock 4 times: before the run, before the call, after it, after the run.
    rounds = [(1, 100, 1, 0), (1, 100, 1, 0), (1, 2, 1, 0), (1, 9, 2, 0), (4, 3, 1, 0)]
    clock = ticking(*itertools.chain(*rounds))
    done = []
    timed = time_calls(lambda: F.relu(x), 3, lambda: done.append(1), clock)
    assert len(done) == 5 and [call.operation for call in timed.calls] == ["relu"]
    assert timed.seconds == [pytest.approx([0.002, 0.009, 0.003])]
    assert timed.whole == pytest.approx([0.004, 0.012, 0.008])
    assert timed.outside() == pytest.approx([0.002, 0.003, 0.005])


def test_runs_that_differ_from_round_to_round_are_refused():
    sizes = itertools.count(1)
    with pytest.raises(RuntimeError, match="differ from round to round"):
        time_calls(lambda: F.relu(np.ones(next(sizes), np.float32)), 2)


def test_calls_that_describe_does_not_list_are_refused(monkeypatch):
    describe = minunet.describe
    monkeypatch.setattr(minunet, "describe", lambda *args, **options: describe(*args, gradients=False))
    with pytest.raises(RuntimeError, match="not those that describe lists"):
        layers.measure("step", CASE, 1)


def test_sides_that_the_network_must_pad():
    rows = layers.measure("inference", {**CASE, "size": 19}, 1)["rows"]
    assert rows[0]["shape"] == [1, 32, 32, 4] and rows[-1]["layer"] == "head"


def test_a_step_on_paper_and_on_file(tmp_path, capsys):
    assert layers.main([*TINY, "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "layers_step_base4.json").read_text())
    assert written["command"] == "python -m benchmarks.layers --base 4 --batch 1 --size 32"
    assert written["machine"]["threads"] == minunet.get_num_threads() and written["machine"]["packages"]["numpy"]
    assert written["machine"]["commit"]
    figures = written["figures"]
    assert {name: figures[name] for name in CASE} == CASE and figures["whole"]["rounds"] == 2
    text = capsys.readouterr().out
    assert text.startswith(layer_table(figures) + "\n")
    lines = text.splitlines()
    assert lines[0] == "classic U-Net, base 4, batch 1, 32x32: training step, median of 2 rounds"
    assert lines[2].split() == ["layer", "operation", "output", "shape", "algorithm", "ms", "%", "GFLOP/s"]
    assert [line for line in lines if line.startswith("--")] == ["-- forward", "-- backward", "-- update", "-- sums"]
    ours = [line.split() for line in lines if line.startswith("expansion.3.1 ")]
    assert [line[:3] for line in ours] == [["expansion.3.1", "conv2d", "1x32x32x4"]] * 2  # forward and backward
    assert any(line.startswith("19 x conv2d_grads ") for line in lines)
    assert lines[-1] == f"wrote {tmp_path / 'layers_step_base4.json'}"
    assert lines[-3].startswith("the whole (") and lines[-3].split()[-1] == "100"
    assert lines[-4].startswith("outside primitives ")


def test_inference_of_the_paper_variant(tmp_path, capsys):
    assert layers.main([*TINY, "--variant", "paper", "--inference", "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "layers_inference_base4_paper.json").read_text())
    assert written["command"].endswith("--size 32 --variant paper --inference")
    operations = {kind["operation"] for kind in written["figures"]["operations"]}
    assert operations == {"conv2d", "conv_transpose2d", "max_pool2d_values"}
    text = capsys.readouterr().out
    assert text.startswith("paper U-Net, base 4, batch 1, 32x32: inference, ") and "-- backward" not in text


@pytest.mark.parametrize("task", ["step", "inference"])
def test_the_standard_networks_fit_80_columns(task):
    described = minunet.describe(minunet.UNet(variant="paper"), (2, 256, 256, 1), gradients=task == "step").rows
    slow = {"ms": 250.0, "share": 0.255, "gflops": 1234.5}
    rows = [
        {"layer": layer, "operation": operation, "shape": shape, "algorithm": algorithm, **slow}
        for layer, operation, shape, _, algorithm, _ in described
    ]
    sums = [{"operation": "conv_transpose2d_grads", "calls": 100, **slow, "ms": 9000.0}]
    whole = {"ms": 9999.0, "share": 1.0, "min_ms": 9999.0, "max_ms": 9999.0, "rounds": 100}
    case = {"task": task, "base": 64, "batch": 2, "size": 256, "variant": "classic"}
    text = layer_table({**case, "rows": rows, "operations": sums, "outside": slow, "whole": whole})
    assert max(map(len, text.splitlines())) <= 80


def test_help_and_mistakes(capsys):
    with pytest.raises(SystemExit) as left:
        layers.main(["--help"])
    text = capsys.readouterr().out
    assert left.value.code == 0 and "--inference" in text and "(default 64)" in text
    assert layers.main(["--base", "0", "--variant", "other", "--rounds", "x"]) == 2
    assert capsys.readouterr().err == (
        "error: 3 problems:\n"
        "  - --base 0: must be at least 1.\n"
        "  - --variant other: choose one of classic, paper.\n"
        "  - --rounds x: must be a whole number.\n"
    )


def test_a_folder_that_cannot_be_written_is_refused_before_measuring(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(layers, "measure", lambda *args: pytest.fail("it measured"))
    (tmp_path / "file").write_text("kept")
    assert layers.main([*TINY, "--out", str(tmp_path / "file")]) == 2
    assert "is a file where a folder is needed" in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        scaling.main(["--out", str(tmp_path / "file" / "below")])
    assert left.value.code == 2 and "is a file where a folder is needed" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"
