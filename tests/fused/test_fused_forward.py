"""Fused forward passes "on a GPU", by the stand-in for CuPy and the host shim, compared with those operation by operation."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.fused.fused_step import FusedStep
from minunet.inference.forward_pass import ForwardPass
from minunet.kernels import dispatch
from minunet.kernels.backend import to_numpy
from minunet.kernels.machine import Machine
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.fused.example_step import fused_plan
from tests.fused.squares import Squares, start

FP32, TF32 = Machine("cuda", "fp32"), Machine("cuda", "tf32")
pytestmark = needs_compiler


@pytest.fixture
def host(monkeypatch):
    with dispatch.prefer("cuda"), dispatch.prefer("cuda-tensor-cores"):
        yield cupy_on_cpu.install(monkeypatch)


@pytest.mark.parametrize("precision", ["tf32", pytest.param("bf16", marks=needs_bfloat16)])
def test_fused_answers_are_those_of_the_model_at_any_size(host, precision):
    model, _ = start(depth=2)
    forward_pass, exact = ForwardPass(model, Machine("cuda", precision)), ForwardPass(model, FP32)
    rng = np.random.default_rng(1)
    for shape in ((2, 8, 12, 1), (1, 7, 9, 1), (1, 1, 1, 1), (2, 8, 12, 1)):
        images = rng.random(shape, np.float32)
        fused, expected = (to_numpy(answer.logits(images)) for answer in (forward_pass, exact))
        assert fused.shape == expected.shape == shape
        assert np.abs(fused - expected).max() < {"tf32": 4e-3, "bf16": 4e-2}[precision] * np.abs(expected).max()


def test_fused_answers_follow_the_weights(host):
    """Changed in place, and replaced by other arrays."""
    model, optimizer = start()
    forward_pass, exact = ForwardPass(model, TF32), ForwardPass(model, FP32)
    images, masks, _ = next(iter(Squares().epoch(0)))
    before = to_numpy(forward_pass.logits(images))
    FusedStep(model, optimizer, fused_plan("tf32"))(images, masks)
    after = to_numpy(forward_pass.logits(images))
    assert np.abs(after - before).max() > 1e-3
    assert np.abs(after - to_numpy(exact.logits(images))).max() < 4e-3
    for p in model.parameters():
        p.data = p.data * np.float32(0.5)
    assert np.abs(to_numpy(forward_pass.logits(images)) - to_numpy(exact.logits(images))).max() < 4e-3


def test_only_a_few_passes_are_kept(host):
    model, _ = start()
    forward_pass = ForwardPass(model, TF32)
    for side in range(2, 18, 2):
        forward_pass.logits(np.zeros((1, side, 2, 1), np.float32))
    assert [shape[1] for shape in forward_pass._fused._graphs] == [10, 12, 14, 16]


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_several_outputs_have_a_fused_pass(host, variant):
    model, _ = start(out_channels=2, variant=variant)
    forward_pass, exact = ForwardPass(model, TF32), ForwardPass(model, FP32)
    images = np.random.default_rng(2).random((1, 8, 12, 1), np.float32)
    assert forward_pass._fused.why_not(8, 12) is None
    fused, expected = (to_numpy(answer.logits(images)) for answer in (forward_pass, exact))
    assert fused.shape == expected.shape == (1, 8, 12, 2)
    assert np.abs(fused - expected).max() < 4e-3 * np.abs(expected).max()
