"""What the tests of the CUDA kernels share: skips, the types, and the check of a primitive against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minunet.kernels import dispatch
from minunet.kernels.cuda import ampere_convolution, ampere_weight_gradient
from minunet.kernels.cuda.compile import CompileError, nvrtc
from tests.cuda_on_cpu.device_checks.comparison import TOLERANCE, agree, in_float64
from tests.cuda_on_cpu.shim.build import compiler
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, HostLauncher, cuda_on_cpu

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

try:
    nvrtc()
    NVRTC_PROBLEM = ""
except CompileError as error:
    NVRTC_PROBLEM = str(error)

needs_nvrtc = pytest.mark.skipif(bool(NVRTC_PROBLEM), reason=f"CuPy or NVRTC is missing: {NVRTC_PROBLEM}")
needs_compiler = pytest.mark.skipif(compiler() is None, reason="g++ is not installed")
needs_bfloat16 = pytest.mark.skipif(ml_dtypes is None, reason="ml_dtypes, which gives NumPy bfloat16, is not installed")
TYPES = ["float32", "float64", pytest.param("bfloat16", marks=needs_bfloat16)]
every_type = pytest.mark.parametrize("dtype", TYPES)
every_schedule = pytest.mark.parametrize("schedule", list(SCHEDULES))


def check(
    name: str, *args: Any, schedule: str, dtype: str, tolerance: float | None = None, prefer: str = "cuda"
) -> HostLauncher:
    """Run a primitive's CUDA kernels on `args` and hold them against the float64 reference."""
    primitive = dispatch.primitives()[name]
    with dispatch.prefer("reference"):
        expected = primitive(*in_float64(args))
    with cuda_on_cpu(schedule, prefer) as host:
        assert primitive.choose(*args).name == prefer
        found = primitive(*args)
    assert host.launches or found is None or np.size(found) == 0, "nothing was launched"
    for array in found if isinstance(found, tuple) else (found,):
        for item in array if isinstance(array, tuple) else (array,):
            if item is not None and item.dtype.kind not in "iu":
                assert item.dtype.name == dtype or item.dtype == np.float32, "dtype is not kept"
    agree(found, expected, TOLERANCE[dtype] if tolerance is None else tolerance, name)
    return host


def ampere_instances(dtype: str, rounding: str) -> set[tuple[str, str]]:
    """(program, instance) of the kernels for sm_80 that multiply this type, and round it first ("true") or do not ("false")."""
    start, end = f"<{'bfloat16' if dtype == 'bfloat16' else 'float'},", f", {rounding}>"
    programs = ampere_convolution.CONVOLUTION, ampere_weight_gradient.WEIGHT_GRADIENT
    found = {(made.source, i) for made in programs for i in made.instances if start in i and i.endswith(end)}
    assert len(found) == 3 * 3  # tiles; the convolution with weights in either layout, and the weight gradient
    return found
