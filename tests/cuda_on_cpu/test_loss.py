"""Binary cross-entropy on the host shim, in float32 and float64, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda import loss
from tests.cuda_on_cpu.checks import check, every_schedule, needs_bfloat16, needs_compiler
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


@pytest.mark.parametrize("terms", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)])
def test_loss_and_gradient_of_a_training_step_with_classes(dtype, terms, schedule):
    """Three logits under a softmax, perhaps one under a sigmoid, and padding; pixels whose weight is 0 may hold anything."""
    rng = np.random.default_rng(5)
    logits = values(rng, (2, 5, 7, 8), dtype)
    logits[0, 0, :3, 0], logits[0, 0, 1, 1] = 40, -50  # answers that are certain, some of them wrong
    target = np.stack([rng.integers(0, 3, (2, 5, 7)), rng.random((2, 5, 7))], axis=-1).astype(np.float32)[..., :terms]
    weight = np.ascontiguousarray(rng.integers(0, 3, (2, 5, 7, 2)).astype(np.float32)[..., :terms] * np.float32(0.7))
    z, is_class = logits.astype(np.float64), np.arange(3) == target[..., :1]
    p = np.exp(z[..., :3]) / np.exp(z[..., :3]).sum(axis=-1, keepdims=True)
    expected = (-np.log(p[is_class]) * weight[..., 0].reshape(-1)).sum()
    slope = np.zeros(logits.shape)
    slope[..., :3] = (p - is_class) * weight[..., :1]
    if terms == 2:
        q = 1 / (1 + np.exp(-z[..., 3]))
        expected -= (weight[..., 1] * (target[..., 1] * np.log(q) + (1 - target[..., 1]) * np.log(1 - q))).sum()
        slope[..., 3] = (q - target[..., 1]) * weight[..., 1]
    given = logits.copy()
    given[..., :3][weight[..., 0] == 0] = np.inf
    with cuda_on_cpu(schedule) as host:
        partial, total = host.empty((loss.MAX_BLOCKS,), np.float64), host.empty((), np.float32)
        loss.class_step(given, np.ascontiguousarray(target), weight, given, partial, total, 3)
    assert float(total) == pytest.approx(expected / 70, rel=1e-5)
    np.testing.assert_allclose(
        given.astype(np.float64), slope / 70, rtol=1e-4 if dtype == "float32" else 1e-2, atol=1e-9
    )
