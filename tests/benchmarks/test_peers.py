"""The peers of the benchmarks compute what minunet computes, and one that cannot run here does not end a benchmark."""

import argparse

import numpy as np
import pytest

import minunet
from benchmarks.cpu import unet_comparison
from benchmarks.cpu.contestants import ONNX, OPENVINO, OURS, contestant

CASE = {"base": 4, "batch": 2, "size": 32}


def logits(name):
    """The result of a peer as NHWC."""
    result = contestant(name, task="inference", **CASE)()
    values = np.asarray(result[0] if isinstance(result, list) else result)
    return values if name == OURS else values.transpose(0, 2, 3, 1)


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")  # of the exporter and the compiler
@pytest.mark.parametrize("name", ["NCHW", "channels_last", ONNX, "OpenVINO f32"])
def test_a_peer_computes_the_same_logits(name):
    pytest.importorskip("torch")
    pytest.importorskip({ONNX: "onnxruntime", "OpenVINO f32": "openvino"}.get(name, "torch"))
    np.testing.assert_allclose(logits(name), logits(OURS), rtol=1e-4, atol=1e-4)


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_network_computes_the_same_logits():
    pytest.importorskip("torch")
    from benchmarks.peers import torch_unet

    model = minunet.UNet(base_channels=4, depth=1, variant="classic")  # every layer takes seconds to compile
    x = np.random.default_rng(0).random((1, 16, 16, 1), dtype=np.float32)
    compiled = torch_unet.inference(model, x, "compiled")()
    np.testing.assert_allclose(compiled.numpy().transpose(0, 2, 3, 1), model(x).data, rtol=1e-4, atol=1e-4)


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")
def test_openvino_says_the_precision_that_it_computes_in():
    pytest.importorskip("torch")
    pytest.importorskip("openvino")
    default = contestant(OPENVINO[1], task="inference", **CASE)
    assert contestant(OPENVINO[0], task="inference", **CASE).precision == "f32"
    assert default.precision in ("f32", "bf16", "f16")


def test_a_peer_that_fails_is_reported_with_its_reason_and_the_others_are_measured(monkeypatch):
    def fake(name, **settings):
        if name == "compiled":
            raise RuntimeError("no C++ compiler\nwith many more lines")
        return lambda: None

    monkeypatch.setattr(unet_comparison, "contestant", fake)
    args = argparse.Namespace(rounds=1, size=32, variant="classic", no_memory=True)
    figure = unet_comparison._case("step", [OURS, "NCHW", "compiled"], 4, 1, args)
    assert figure["failed"] == {"compiled": "RuntimeError: no C++ compiler"}
    assert list(figure["times"]) == [OURS, "NCHW"]
    assert list(figure["ratio"]) == ["best_float32", "NCHW"]


def test_what_a_shared_step_needs_is_said_before_anything_is_measured(monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.setattr(unet_comparison, "launcher", lambda: None)
    assert unet_comparison.main("step", ["--processes", "2"]) == 2
    assert "--processes 2 needs mpiexec and mpi4py: python -m pip install" in capsys.readouterr().err
