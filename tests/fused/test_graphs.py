"""The graphs of the step and of the forward pass, by the stand-in for CuPy, compared with a step that runs without a graph."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minunet import UNet, optim
from minunet.fused import graphs
from minunet.kernels.cuda import devices
from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.fused.example_step import (
    example,
    fused_plan,
    view,
)


@needs_compiler
def test_a_graph_repeats_the_step(monkeypatch):
    """Two batches are sent ahead, and each is used in its turn; the steps of the graph are those of `UNetStep`."""
    monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy())
    monkeypatch.setattr(devices, "gpu", cupy_on_cpu.CapturingLauncher)
    model, _, step, params = example("classic", "tf32", "lazy")
    there = UNet(**model.config)
    for parameter, array in zip(there.parameters(), params, strict=True):
        parameter.data = array.copy().view(cupy_on_cpu.DeviceArray)
    own = [parameter.data for parameter in there.parameters()]
    plan = fused_plan("tf32")
    replayed = graphs.StepGraph(there, optim.Adam(there.parameters()), (2, 8, 12, 3), plan)
    assert replayed.graph.launches > 50 and replayed.nbytes == step.arena.nbytes
    with pytest.raises(RuntimeError, match="no batch was sent"):
        replayed.run(0.01)
    rng = np.random.default_rng(6)
    batches = [(rng.random((2, 8, 12, 3)), rng.integers(0, 2, (2, 8, 12, 1))) for _ in range(5)]
    sent = iter(batches)
    replayed.send(*next(sent))
    for k, (images, targets) in enumerate(batches):
        following = next(sent, None)
        if following is not None:
            replayed.send(*following)
        if k == 0:
            with pytest.raises(RuntimeError, match="2 batches are waiting already"):
                replayed.send(images, targets)
        replayed.run(0.01 / (k + 1))
        view(step, step.images)[...], view(step, step.targets)[...] = images, targets
        step.set_learning_rate(0.01 / (k + 1))
        step.run()
        assert replayed.loss() == float(view(step, step.loss))
        assert np.array_equal(replayed.logits(), view(step, step.logits))
    assert all(np.array_equal(a, b) for a, b in zip(own, params, strict=True))

    forward = graphs.ForwardGraph(there, (2, 8, 12, 3), plan.machine)
    step.run()  # with the last batch, whose logits come from the weights as they now are
    assert np.array_equal(forward.run(batches[-1][0]), view(step, step.logits))
    replayed.resume(0)
    assert np.array_equal(view(replayed.step, replayed.step.adam_state)[:1], [0])
