"""The buffers of training steps, from shapes: the same as those of steps that really run."""

import numpy as np
import pytest

from minunet.fused.step_plan import StepPlan
from minunet.kernels import dispatch, primitives
from minunet.kernels.cpu import memory_pool, scratch
from minunet.kernels.cpu.winograd.scratch_size import backward_scratch
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.runs.step_buffers import LEAST_SCRATCH, step_buffers
from minunet.training.loss import LOSSES
from minunet.training.step import make_step


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_the_pool_becomes_as_large_as_that_of_real_steps(monkeypatch, variant, recompute):
    pool = memory_pool.MemoryPool()
    monkeypatch.setattr(memory_pool, "_POOL", pool)
    model, loss, shapes = (
        UNet(base_channels=8, depth=3, variant=variant),
        LOSSES["bce"],
        [(4, 64, 96, 1), (3, 64, 96, 1)],
    )
    model.recompute = recompute
    found, arena = step_buffers(model, loss, [*shapes, shapes[0]], [(4, 64, 96)])
    assert pool.reserved == 0
    assert arena >= LEAST_SCRATCH
    step = make_step(model, Adam(model.parameters()), loss, StepPlan())
    for shape in (*shapes, shapes[0]):
        step(np.ones(shape, np.float32), np.zeros((*shape[:3], 1), np.float32))
    assert pool.reserved == pytest.approx(found, rel=0.06)


@pytest.mark.parametrize("m", [4, 6])
@pytest.mark.parametrize("shape", [(2, 48, 48, 16), (4, 17, 31, 40)])
@pytest.mark.parametrize("relu", [False, True])
def test_the_scratch_memory_of_a_backward_pass(monkeypatch, m, shape, relu):
    monkeypatch.setattr(scratch, "_arena", arena := type(scratch._arena)())
    rng = np.random.default_rng(0)
    weight = rng.random((3, 3, shape[3], 24), dtype=np.float32)
    xs, grad = (rng.random(shape, dtype=np.float32),), rng.random((*shape[:3], 24), dtype=np.float32)
    args = (grad, xs, weight, grad if relu else None, (1, 1), ((1, 1), (1, 1)), ((True,), True, True))
    planned = backward_scratch(m, args)
    with dispatch.prefer(f"winograd-{m}x{m}"):
        primitives.conv2d_grads(*args)
    if planned:
        assert arena.peak <= planned <= 1.15 * arena.peak
