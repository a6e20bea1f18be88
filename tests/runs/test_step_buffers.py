"""The buffers of training steps, from shapes: the same as those of steps that really run."""

import numpy as np
import pytest

from minunet.fused.step_plan import StepPlan
from minunet.kernels import dispatch, primitives
from minunet.kernels.cpu import memory_pool, scratch, threads
from minunet.kernels.cpu.winograd.scratch_size import backward_scratch
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet
from minunet.runs import step_buffers as step_buffers_module
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


@pytest.mark.parametrize(("shape", "base"), [((4, 128, 192, 1), 8), ((3, 130, 150, 3), 8)])
def test_smaller_batches_say_how_much_a_large_one_needs(monkeypatch, shape, base):
    monkeypatch.setattr(step_buffers_module, "SMALL_VALUES", 128 * 128 * base)
    model, loss = UNet(base_channels=base, depth=2, in_channels=shape[3]), LOSSES["bce"]
    exact, _ = step_buffers(model, loss, [shape] * 3, [shape[:3]])
    monkeypatch.setattr(step_buffers_module, "EXACT_VALUES", 1)
    assert step_buffers(model, loss, [shape] * 3, [shape[:3]], enough=10 * exact)[0] == exact
    rough, _ = step_buffers(model, loss, [shape] * 3, [shape[:3]], enough=exact / 2)
    assert rough != exact and rough == pytest.approx(exact, rel=0.25)


def test_a_step_that_no_machine_can_hold_is_only_extrapolated():
    pool, scratch = step_buffers(UNet(base_channels=16), LOSSES["bce"], [(500, 2048, 2048, 1)] * 3, [], enough=1e9)
    assert 1e12 < pool < 1e13 and scratch >= LEAST_SCRATCH


@pytest.mark.parametrize("m", [4, 6])
@pytest.mark.parametrize("shape", [(2, 48, 48, 16), (4, 17, 31, 40)])
@pytest.mark.parametrize("relu", [False, True])
def test_the_scratch_memory_of_a_backward_pass(monkeypatch, m, shape, relu):
    # Each thread has an arena of its own; of several threads this one may get no block, or only the smaller one at the end.
    monkeypatch.setattr(threads, "_num_threads", 1)
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
