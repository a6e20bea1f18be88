"""The fused step on stand-ins for the GPU, compared with the ordinary step on the same tensor cores."""

from __future__ import annotations

import sys

import numpy as np

from minunet import UNet, optim
from minunet.functional import binary_cross_entropy_with_logits
from minunet.fused.fused_step import FusedStep
from minunet.kernels import dispatch
from minunet.kernels.cuda import devices
from minunet.kernels.precision import use_precision
from tests.cuda_on_cpu.checks import needs_compiler
from tests.cuda_on_cpu.shim import cupy_on_cpu
from tests.cuda_on_cpu.shim.host_launcher import cuda_on_cpu
from tests.fused.example_step import fused_plan


def start(array=np.ndarray):
    """A model and its optimizer, always the same, in arrays of this type."""
    model = UNet(base_channels=8, depth=1, rng=np.random.default_rng(0))
    for p in model.parameters():
        p.data = p.data.view(array)
    return model, optim.Adam(model.parameters(), lr=1e-3, betas=(0.8, 0.99), weight_decay=0.01)


@needs_compiler
def test_batches_of_two_shapes(monkeypatch):
    """Weights, moments and counts are those of the ordinary training, also where the last batch is smaller."""
    monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy())
    monkeypatch.setattr(devices, "gpu", cupy_on_cpu.CapturingLauncher)
    rng = np.random.default_rng(1)
    batches = [
        (rng.random((n, 6, 8, 1), np.float32), rng.integers(0, 2, (n, 6, 8, 1)).astype(np.float32)) for n in (2, 1, 2)
    ]
    model, optimizer = start(cupy_on_cpu.DeviceArray)
    fused = FusedStep(model, optimizer, fused_plan("tf32"))
    losses = []
    for k, batch in enumerate(batches):
        if k == 2:  # a parameter in another array, as after loading: the graphs' addresses are out of date
            first = next(iter(model.parameters()))
            first.data, old = first.data.copy(), first.data
            old[...] = np.nan
        optimizer.lr = 1e-3 / (k + 1)
        result = fused(*batch)
        assert result.predicted.shape == batch[1].shape and result.norm is None
        losses.append(result.loss)

    monkeypatch.undo()
    other, plain = start()
    with cuda_on_cpu(), dispatch.prefer("cuda-tensor-cores"), use_precision("tf32"):
        for k, batch in enumerate(batches):
            plain.lr = 1e-3 / (k + 1)
            plain.zero_grad()
            loss = binary_cross_entropy_with_logits(other(batch[0]), batch[1])
            loss.backward()
            plain.step()
            assert abs(loss.item() - losses[k]) < 1e-4
    for (name, a), b in zip(model.named_parameters(), other.parameters(), strict=True):
        # Adam turns a gradient of almost nothing into a full step of the learning rate.
        assert np.abs(a.data - b.data).max() < 2e-3 and np.abs(a.data - b.data).mean() < 1e-5, name
    assert np.array_equal(optimizer.updates, plain.updates) and optimizer.steps == plain.steps == 3
    for a, b in zip(optimizer.state["exp_avg"], plain.state["exp_avg"], strict=True):
        assert np.allclose(a, b, rtol=1e-2, atol=1e-5)
