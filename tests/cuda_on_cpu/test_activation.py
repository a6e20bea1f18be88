"""ReLU, tanh, sigmoid and softmax on the host shim, every instance, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cuda_on_cpu.checks import check, every_schedule, every_type, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values

pytestmark = [needs_compiler, every_schedule]


@every_type
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("shape", [(), (1,), (5, 7, 11)], ids=str)
def test_activations(name, shape, dtype, schedule):
    rng = np.random.default_rng(1)
    x = values(rng, shape, dtype) * 4
    check(name, x, schedule=schedule, dtype=dtype)
    check(f"{name}_grad", values(rng, shape, dtype), values(rng, shape, dtype), schedule=schedule, dtype=dtype)


@every_type
def test_activations_of_extreme_values(dtype, schedule):
    x = np.array([-1e4, -90, 90, 1e4, np.nan, np.inf, -np.inf], dtype)
    for name in ("relu", "tanh", "sigmoid"):
        check(name, x, schedule=schedule, dtype=dtype)


@every_type
@pytest.mark.parametrize(("shape", "axis"), [((7, 3), -1), ((2, 70, 3), 1), ((1,), 0), ((3, 1, 5), 0)], ids=str)
def test_softmax(shape, axis, dtype, schedule):
    rng = np.random.default_rng(2)
    x = values(rng, shape, dtype)
    x.reshape(-1)[0] = 1e4  # no score is too large
    check("softmax", x, axis, schedule=schedule, dtype=dtype)
    grad, y = (values(rng, shape, dtype) for _ in range(2))
    check("softmax_grad", grad, y, axis, schedule=schedule, dtype=dtype)
