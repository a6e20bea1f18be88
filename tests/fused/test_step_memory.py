"""The memory of the fused training step: less than PyTorch's, and results that overwrite what they were computed from."""

from __future__ import annotations

import numpy as np
import pytest

from minunet import UNet
from minunet.fused.unet_step import UNetStep
from minunet.kernels.cuda import loss, tensor_cores
from minunet.kernels.cuda.arena import Arena
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from minunet.kernels.cuda.window import input_gradient_windows, transposed_gradient_window
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, cuda_on_cpu
from tests.fused.example_step import fused_plan

SAME = (1, 1), ((1, 1), (1, 1))
DTYPES = ["float32", pytest.param("bfloat16", marks=needs_bfloat16)]
# Most bytes that PyTorch 2.11 held in a training step of the classic U-Net on an H100: with automatic mixed precision and
# channels_last, and eager with tf32 allowed.
PYTORCH = {
    ("bf16", (16, 256, 256, 1)): 2_561_483_776,
    ("bf16", (8, 512, 512, 1)): 4_686_816_256,
    ("tf32", (16, 256, 256, 1)): 4_898_464_768,
    ("tf32", (8, 512, 512, 1)): 9_417_434_112,
}


@pytest.mark.parametrize("without_sm_90a", ["not asked for", None], ids=["sm_80", "sm_90a"])
@pytest.mark.parametrize(("precision", "shape"), PYTORCH, ids=lambda value: str(value).replace(" ", ""))
def test_the_step_takes_less_memory_than_pytorch(precision, shape, without_sm_90a, monkeypatch):
    """At most 0.7 of it, parameters and both moments included; and gaps between places are hardly any of that."""
    model = UNet(base_channels=64, variant="classic")
    held, take = [], Arena.alloc

    def noted(arena, *what):
        place = take(arena, *what)
        held.append(arena.allocated)
        return place

    monkeypatch.setattr(Arena, "alloc", noted)
    step = UNetStep(model, None, shape, MetaLauncher(without_sm_90a), fused_plan(precision))
    assert step.arena.nbytes + 3 * sum(p.nbytes for p in step.params) <= 0.7 * PYTORCH[precision, shape]
    assert max(held) <= step.arena.nbytes <= 1.02 * max(held)


@needs_compiler
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_input_gradient_may_replace_its_mask(dtype, schedule):
    """The same bits as in another array, over many tiles, and where the second of two sources has no mask."""
    rng = np.random.default_rng(0)
    grad, weight = values(rng, (2, 13, 18, 16), dtype), values(rng, (3, 3, 144, 16), dtype)
    xs = tuple(values(rng, (2, 13, 18, c), dtype) for c in (64, 80))
    windows = input_gradient_windows(grad, xs, weight, *SAME)
    for masked in ((True, True), (True, False)):
        separate, replaced = tuple(np.empty_like(x) for x in xs), tuple(x.copy() for x in xs)
        with cuda_on_cpu(schedule):
            for outs, seen in ((separate, xs), (replaced, replaced)):
                masks = tuple(x if has_mask else None for x, has_mask in zip(seen, masked, strict=True))
                tensor_cores.convolve(windows, (grad,), weight, outs, masks=masks)
        for one, other, has_mask in zip(separate, replaced, masked, strict=True):
            assert np.array_equal(one, other) and (one == 0).any() == has_mask


@needs_compiler
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_up_convolutions_input_gradient_may_replace_its_mask(dtype, schedule):
    rng = np.random.default_rng(1)
    x, grad, weight = (values(rng, shape, dtype) for shape in ((1, 13, 11, 72), (1, 26, 22, 16), (2, 2, 72, 16)))
    window = transposed_gradient_window(grad, x, weight, (2, 2), (0, 0))
    with cuda_on_cpu(schedule) as host:
        separate, replaced = host.empty(x.shape, x.dtype), x.copy()
        for out, mask in ((separate, x), (replaced, replaced)):
            tensor_cores.convolve([window], (grad,), weight, (out,), masks=(mask, None))
    assert np.array_equal(separate, replaced) and (separate == 0).any() and (separate != 0).any()


@needs_compiler
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_the_loss_may_replace_the_logits(dtype, schedule):
    rng = np.random.default_rng(2)
    logits, target = values(rng, (2, 9, 31, 8), dtype), rng.integers(0, 2, (2, 9, 31, 3)).astype(np.float32)
    weight = None if schedule == "lazy" else rng.random(target.shape).astype(np.float32)
    losses, grads = [], []
    with cuda_on_cpu(schedule) as host:
        for grad, given in ((host.empty(logits.shape, logits.dtype), logits.copy()), 2 * (logits.copy(),)):
            partial, total = host.empty((loss.MAX_BLOCKS,), np.float64), host.empty((), np.float32)
            loss.bce_step(given, target, weight, grad, partial, total)
            losses.append(float(total))
            grads.append(grad)
    assert losses[0] == losses[1] and np.array_equal(*grads) and (grads[0] != 0).any()
