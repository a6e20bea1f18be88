"""Max and sum pooling on the host shim, every instance, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import primitives
from tests.cuda_on_cpu.checks import check, every_schedule, every_type, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import values
from tests.cuda_on_cpu.device_checks.shapes import POOLINGS

pytestmark = [needs_compiler, every_schedule]


@every_type
@pytest.mark.parametrize("shape", POOLINGS.values(), ids=POOLINGS)
def test_pooling(shape, dtype, schedule):
    x_shape, *window = shape
    rng = np.random.default_rng(0)
    x = values(rng, x_shape, dtype)
    check("max_pool2d", x, *window, schedule=schedule, dtype=dtype)
    check("sum_pool2d", x, *window, schedule=schedule, dtype=dtype)
    y, argmax = primitives.max_pool2d.reference(x, *window)
    grad = values(rng, y.shape, dtype)
    check("max_pool2d_grad", grad, argmax, x_shape, *window, schedule=schedule, dtype=dtype)
    check("sum_pool2d_grad", grad, x_shape, *window, schedule=schedule, dtype=dtype)


def test_ties_and_not_a_number(schedule):
    """The first of equal values wins, and NaN wins over everything."""
    x = np.array([[1, 1, 2, np.nan], [1, 1, np.inf, 5], [-np.inf, -np.inf, 3, 3]], np.float32).reshape(1, 3, 4, 1)
    check("max_pool2d", x, (2, 2), (1, 1), (1, 1), schedule=schedule, dtype="float32")
