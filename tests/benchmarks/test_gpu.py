"""The code of the GPU benchmark, with the host shim in place of a GPU: its times mean nothing, its comparisons do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import hopper as gpu_hopper
from benchmarks.gpu import layers as gpu_layers
from benchmarks.gpu import products as gpu_products
from benchmarks.gpu import sm_90a as gpu_sm_90a
from benchmarks.gpu import steps as gpu_steps
from benchmarks.gpu import training as gpu_training
from benchmarks.gpu import values as gpu_values
from minunet import UNet
from minunet.kernels.cuda.gpu_launcher import SM_90A
from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.device_checks import convolution_passes
from tests.cuda_on_cpu.shim.host_device import HostDevice

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.ci
@needs_compiler
def test_conformance_and_values():
    device = HostDevice()
    assert gpu_values.conformance(device)["failed"] == []
    found = gpu_values.kernels(device, seed=3)
    assert found["failed"] == []
    assert {name.split()[0] for name in found["passed"]} >= {
        "conv2d",
        "conv2d_grads",
        "max_pool2d",
        "softmax",
        "tanh_grad",
    }
    assert any("cuda-tensor-cores" in name for name in found["passed"])


@pytest.mark.ci
@needs_compiler
def test_hopper_conformance(monkeypatch):
    found = gpu_hopper.hopper_conformance(HostDevice())
    assert found["failed"] == [] and len(found["largest_error"]) == 12
    monkeypatch.setattr(gpu_hopper, "LIMIT", 0.0)
    assert "product tf32: wrong by" in " ".join(gpu_hopper.hopper_conformance(HostDevice())["failed"])
    other = SimpleNamespace(launcher=SimpleNamespace(architecture=lambda: "sm_100"))
    assert "this GPU is sm_100" in gpu_hopper.hopper_conformance(other)["skipped"]


@pytest.mark.ci
@needs_compiler
def test_wrong_values_are_reported(monkeypatch):
    monkeypatch.setattr(gpu_values, "TOLERANCES", dict.fromkeys(gpu_values.TOLERANCES, 0.0))
    assert gpu_values.kernels(HostDevice(), seed=3)["failed"]


@pytest.mark.ci
@needs_compiler
def test_training_parity():
    found = gpu_training.parity(HostDevice(), shape=(1, 8, 12, 3), base_channels=8)
    assert found["failed"] == []
    assert all(len(losses) == gpu_training.STEPS for losses in found["losses"].values())


@pytest.mark.ci
@needs_compiler
def test_products():
    found = gpu_products.products(HostDevice(sm_90a=True), seed=4, larger=False)
    assert found["failed"] == [] and {"sm_80 tf32 forward", "sm_90a bf16 weight gradient"} <= set(
        found["largest_error"]
    )


@pytest.mark.ci
@needs_compiler
def test_layers():
    model = UNet(base_channels=8, depth=1, variant="classic")
    found = gpu_layers.layers(HostDevice(), model, 1, 8, with_torch=False)
    names = {row["layer"] for row in found["rows"]}
    assert "contraction.0.1 8->8 8x8" in names and "expansion.0.0 8+8->8 8x8" in names
    assert len(found["rows"]) == len(names) * 6


def test_parts_go_on_past_a_failure():
    def broken():
        raise OSError("no driver")

    parts = iter([("one", broken), ("two", lambda: {"rows": []}), ("other", broken)])
    found = dict(gpu.run_parts(parts, "o", 60.0))
    assert "OSError: no driver" in found["one"]["failed"][0] and "traceback" in found["one"]
    assert set(found) == {"one", "two", "other"}
    assert dict(gpu.run_parts(iter([("late", broken)]), None, -1.0))["late"]["failed"] == [
        "not run, because the time was up"
    ]
    text = gpu.table({"gpu": "G", "multiprocessors": 2, **found, "step": {"ours bf16": {"ms": 9.0, "bytes": 2**30}}})
    assert "one: FAILED" in text and "two: passed" in text and "1.00 GiB" in text
    assert json.dumps(found)


@pytest.mark.parametrize(("failed", "timed"), [([], True), (["box: wrong"], False)])
def test_sm_90a_is_checked_elsewhere_before_it_is_timed_here(failed, timed, monkeypatch):
    """Even if the environment allows its kernels. If the check fails they are not timed; the other kernels are timed first."""
    monkeypatch.setenv(SM_90A, "1")
    device = SimpleNamespace(launcher=SimpleNamespace(architecture=lambda: "sm_90"))
    ran = {}
    for name in ("conformance", "kernels", "products", "parity"):
        monkeypatch.setattr(gpu, name, lambda device, name=name: ran.update({name: os.environ[SM_90A]}) or {})
    monkeypatch.setattr(gpu, "check_in_a_process", lambda architecture: {"failed": failed})
    order = []
    monkeypatch.setattr(gpu, "whole_runs", dict)
    monkeypatch.setattr(gpu, "tensorrt_inference", lambda shape, config: {})
    monkeypatch.setattr(gpu, "steps", lambda shape, modes, sm_90a: order.append((*shape[:2], len(modes), sm_90a)) or {})
    monkeypatch.setattr(gpu, "layers", lambda *args, with_torch, sm_90a: order.append(("layers", sm_90a)) or {})
    found = dict(gpu.run_parts(gpu.parts(device), None, 600.0))
    assert "sm_90a" in found and not any(part.get("traceback") for part in found.values())
    assert ran == dict.fromkeys(("conformance", "kernels", "products", "parity"), "0")
    rounds = [(kind,) for kind in ((False, True) if timed else (False,))]
    expected = [made for kind in rounds for made in ((16, 256, 2, kind), (8, 512, 2, kind), ("layers", kind))]
    both = (False, True) if timed else (False,)
    assert order == [*expected, (16, 256, 1, both), (8, 512, 1, both)]
    assert len(found) == 7 + len(order)  # each under a name of its own


def test_a_bare_checkout_without_a_gpu():
    """Only NumPy and a few packages are installed: one sentence, no traceback."""
    code = (
        "import sys; sys.modules['safetensors'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'threadpoolctl' else find(name, *a)\n"
        "from benchmarks.gpu import __main__ as gpu; import numpy as np, minunet\n"
        "assert gpu.MISSING == ['threadpoolctl']\n"
        "minunet.UNet(base_channels=2, depth=1)(np.zeros((1, 4, 4, 1), np.float32))\n"
        "gpu.why_no_gpu = lambda: 'CuPy is not installed'\n"
        "sys.exit(gpu.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.strip() == "error: CuPy is not installed", done.stderr


def test_batches_are_random_images_and_masks():
    from benchmarks.gpu.steps import batch

    images, masks = batch((2, 8, 8, 1))
    assert images.shape == masks.shape and set(np.unique(masks)) == {0.0, 1.0}


def test_an_sm_90a_check_that_dies_or_hangs_is_reported():
    """Other GPUs skip it. If its process dies or hangs, the part has failed, and its kernels are not timed."""
    assert "this GPU is sm_80" in gpu_sm_90a.check_in_a_process("sm_80")["skipped"]
    assert "no answer within 0 s" in gpu_sm_90a.check_in_a_process("sm_90", seconds=0.01)["failed"][0]
    if gpu.why_no_gpu():
        assert gpu_sm_90a.check_in_a_process("sm_90")["failed"][0].startswith("exit status 1: ")


def test_the_check_that_hangs_is_named(monkeypatch):
    monkeypatch.setattr(gpu_sm_90a, "_run", lambda command, seconds: (None, "", "box\nproduct bf16\n"))
    failed = gpu_sm_90a.check_in_a_process("sm_90", seconds=3)["failed"]
    assert failed == ["no answer within 3 s, so a kernel may hang; its last line was 'product bf16'"]


def test_stdout_and_stderr_of_a_process_are_separate():
    code = "import sys; print('{}'); print('box', file=sys.stderr); sys.exit(3)"
    assert gpu_sm_90a._run([sys.executable, "-c", code], 600) == (3, "{}\n", "box\n")


def test_the_sm_90a_check_goes_on_after_a_failure(monkeypatch):
    """Each part is announced before it runs, and reported by itself."""

    def broken(device, **options):
        raise OSError("illegal instruction")

    monkeypatch.setattr(gpu_sm_90a, "hopper_conformance", lambda device, say: {"largest_error": {"box": 0.0}})
    monkeypatch.setattr(gpu_sm_90a, "products", broken)
    monkeypatch.setattr(gpu_sm_90a, "parity", lambda device, **options: {"losses": [1.0], "failed": ["bf16: off"]})
    said = []
    found = gpu_sm_90a.check(None, said.append)
    assert said == ["primitives", "products", "training"]
    failed = ["products: OSError: illegal instruction", "training: bf16: off"]
    assert found == {"largest_error": {"box": 0.0}, "losses": [1.0], "failed": failed}


def test_a_product_that_cannot_run_leaves_the_others(monkeypatch):
    def passes(kernels):
        yield "bf16", "forward", lambda device, precision, case, *rest: 1 / (case.outs - 64)

    monkeypatch.setattr(convolution_passes, "passes", passes)
    said = []
    found = gpu_products.products(HostDevice(), larger=False, say=said.append)
    assert len(said) == 2 * len(convolution_passes.CASES) and said[0] == "sm_80 bf16 forward, one patch"
    assert "sm_80 bf16 forward, one patch: ZeroDivisionError: division by zero" in found["failed"]
    assert found["largest_error"] == {"sm_80 bf16 forward": 1 / 64, "sm_80 rounding bf16 forward": 1 / 64}


def test_the_sm_90a_kernels_are_allowed_only_within_the_block(monkeypatch):
    monkeypatch.delenv(SM_90A, raising=False)
    with gpu_sm_90a.allow_sm_90a(True):
        assert os.environ[SM_90A] == "1"
        with gpu_sm_90a.allow_sm_90a(False):
            assert os.environ[SM_90A] == "0"
        assert os.environ[SM_90A] == "1"
    assert SM_90A not in os.environ


def test_steps_are_measured_with_both_kinds_of_kernels_beside_pytorch(monkeypatch):
    """Each ratio is of our time in a precision to PyTorch's in the same; a failure is named, and the others still run."""
    pool = SimpleNamespace(free_all_blocks=lambda: None)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(get_default_memory_pool=lambda: pool))

    def ours(shape, precision, rounds):
        return {"ms": 2.0 if os.environ[SM_90A] == "1" else 4.0, "bytes": 3}

    def torchs(shape, mode, training, rounds):
        if mode.endswith("compiled"):
            raise OSError("no compiler\nat all")
        return {"ms": 8.0, "bytes": 6}

    for name in ("our_step", "our_inference"):
        monkeypatch.setattr(gpu_steps, name, ours)
    monkeypatch.setattr(gpu_steps, "_torch", torchs)
    found = gpu_steps.steps(gpu_steps.SHAPES[0], modes=gpu_steps.TORCH_MODES, sm_90a=(False, True))
    ratios = {name: value["ms"] for name, value in found.items() if " of " in name}
    assert ratios == {
        "ours tf32 of torch eager tf32": 0.5,
        "ours tf32 sm_90a of torch eager tf32": 0.25,
        "ours inference tf32 of torch inference eager tf32": 0.5,
        "ours inference tf32 sm_90a of torch inference eager tf32": 0.25,
        "ours bf16 of torch amp bf16 channels_last": 0.5,
        "ours bf16 sm_90a of torch amp bf16 channels_last": 0.25,
        "ours inference bf16 of torch inference amp bf16 channels_last": 0.5,
        "ours inference bf16 sm_90a of torch inference amp bf16 channels_last": 0.25,
    }
    assert found["failed"] == [
        f"torch {w}amp bf16 channels_last compiled: OSError: no compiler" for w in ("", "inference ")
    ]
    assert "0.25    0.50 of its memory" in gpu.table({"gpu": "G", "multiprocessors": 2, "step": found})
