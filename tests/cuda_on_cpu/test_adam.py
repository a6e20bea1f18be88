"""Adam on the host shim, in float32 and float64, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels import dispatch, primitives
from tests.cuda_on_cpu.checks import every_schedule, needs_compiler
from tests.cuda_on_cpu.device_checks.comparison import agree, in_float64, values
from tests.cuda_on_cpu.shim.host_launcher import cuda_on_cpu

pytestmark = [needs_compiler, every_schedule]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("tensors", [1, 5, 70])
def test_adam(tensors, dtype, schedule):
    """Several sizes in one launch, up to 64 tensors each; the kernel works in place."""
    rng = np.random.default_rng(4)
    sizes = [(1,), (4097,), (3, 3, 2, 5), (0,), (8193,)] if tensors == 5 else [(k + 1,) for k in range(tensors)]
    groups = [[values(rng, size, dtype) for size in sizes] for _ in range(3)]
    groups.append([np.abs(values(rng, size, dtype)) for size in sizes])
    hyper = 3, 0.01, (0.9, 0.999), 1e-8, 0.1
    expected = [in_float64(group) for group in groups]
    with dispatch.prefer("reference"):
        primitives.adam(*expected, *hyper)
    with cuda_on_cpu(schedule) as host:
        primitives.adam(*groups, *hyper)
    assert sum(host.launches.values()) == (2 if tensors == 70 else 1)
    for found, wanted in zip(groups, expected, strict=True):
        agree(tuple(found), tuple(wanted), 2e-6 if dtype == "float32" else 1e-12, "adam")
