"""Binary cross-entropy on the host shim, in float32 and float64, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cuda_on_cpu.checks import check, every_schedule, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values

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
