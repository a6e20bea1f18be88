"""Binary cross-entropy on the host shim, in float32 and float64, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda import loss
from tests.cuda_on_cpu.checks import check, every_schedule, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.shim.host_launcher import cuda_on_cpu

pytestmark = [needs_compiler, every_schedule]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(), (3, 1, 1, 1), (2, 13, 11, 1)], ids=str)
def test_cross_entropy(shape, weighted, dtype, schedule):
    rng = np.random.default_rng(3)
    logits = values(rng, shape, dtype) * 30
    if logits.size > 5:
        logits.reshape(-1)[:4] = 1e4, -1e4, 1e4, -1e4  # no logit is too large
    target = np.asarray(rng.random(shape).astype(dtype))
    weight = np.asarray(rng.random(shape).astype(dtype) + 0.5) if weighted else None
    check("bce_with_logits", logits, target, weight, schedule=schedule, dtype=dtype)
    scale = np.asarray(0.7, dtype)
    check("bce_with_logits_grad", scale, logits, target, weight, schedule=schedule, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinite_logits_are_certain_answers(dtype, schedule):
    logits = np.array([np.inf, -np.inf, 2, -3], dtype)
    target = np.array([1, 0, 1, 1], dtype)
    check("bce_with_logits", logits, target, None, schedule=schedule, dtype=dtype)
    check("bce_with_logits_grad", np.asarray(1, dtype), logits, target, None, schedule=schedule, dtype=dtype)


def test_loss_and_gradient_of_a_training_step_with_weights(schedule):
    """Where the weight is 0, an infinite logit or one that is no number counts for nothing."""
    rng = np.random.default_rng(4)
    logits, target = values(rng, (2, 5, 7, 8), "float32") * 9, rng.random((2, 5, 7, 3), np.float32)
    weight = rng.integers(0, 3, target.shape).astype(np.float32) * np.float32(0.7)
    with dispatch.prefer("reference"):
        expected = primitives.bce_with_logits(logits[..., :3].copy(), target, weight)
        slope = primitives.bce_with_logits_grad(np.float32(1), logits[..., :3].copy(), target, weight)
    given = logits.copy()
    nothing = np.argwhere(weight == 0)
    for place, value in zip(nothing, [np.inf, -np.inf, np.nan], strict=False):
        given[tuple(place)] = value
    with cuda_on_cpu(schedule) as host:
        partial, total = host.empty((loss.MAX_BLOCKS,), np.float64), host.empty((), np.float32)
        loss.bce_step(given, target, weight, given, partial, total)
    assert float(total) == pytest.approx(float(expected), rel=1e-6)
    np.testing.assert_allclose(given[..., :3], slope, rtol=1e-5, atol=1e-9)
    assert not given[..., 3:].any() and (given[..., :3] == 0).sum() >= len(nothing) > 9
