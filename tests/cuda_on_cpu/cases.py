"""Random arguments for the primitives at shapes that no tile divides, and what a kernel must return for them.

Values are distinct and never zero, so that ReLU's kink and pooling's ties are met only where a test means to.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

from minunet.kernels import dispatch
from minunet.kernels.cuda import launcher
from tests.cuda_on_cpu.host import SCHEDULES, HostLauncher

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

# Of the largest value: sums of thousands of float32 products; bfloat16 results are rounded to 8 bits.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 4e-3}
needs_bfloat16 = pytest.mark.skipif(ml_dtypes is None, reason="ml_dtypes, which brings bfloat16, is not installed")
TYPES = ["float32", "float64", pytest.param("bfloat16", marks=needs_bfloat16)]


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Distinct numbers from -0.8 to 1.2, none of them zero, in random places; their sum does not cancel."""
    count = int(np.prod(shape))
    spread = (np.arange(count) + 0.5) / max(count, 1) * 2 - 0.79173
    return rng.permutation(spread).reshape(shape).astype(dtype)


@contextlib.contextmanager
def cuda_on_cpu(schedule: str = "lazy", prefer: str = "cuda"):
    """Within the block the primitives run CUDA kernels on the host shim; yields the launcher, which counts launches."""
    host = HostLauncher(SCHEDULES[schedule])
    with launcher.use(host), dispatch.prefer(prefer):
        yield host


def parameters(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Weights or biases that go with activations of this dtype: float32 with bfloat16."""
    return values(rng, shape, "float32" if dtype == "bfloat16" else dtype)


def agree(found: Any, expected: Any, tolerance: float, what: str = "result") -> None:
    """Hold nested results against each other: None, shape, dtype, and values relative to the largest expected one."""
    if expected is None:
        assert found is None, f"{what}: expected None"
    elif isinstance(expected, tuple):
        assert isinstance(found, tuple) and len(found) == len(expected), what
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            agree(one, other, tolerance, f"{what}[{k}]")
    else:
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
        if expected.dtype.kind in "iu":
            assert found.dtype == expected.dtype and np.array_equal(found, expected), f"{what}: integers differ"
            return
        assert np.array_equal(np.isnan(found), np.isnan(expected)), f"{what}: NaN in other places"
        found, expected = (a.astype(np.float64)[~np.isnan(expected)] for a in (found, expected))
        differ = found != expected  # equal infinities do not
        scale = max(np.abs(expected[np.isfinite(expected)]).max(initial=0), 1e-30)
        worst = np.abs(found[differ] - expected[differ]).max(initial=0) / scale
        assert worst <= tolerance, f"{what}: off by {worst:.2e} of the largest value, allowed {tolerance:.1e}"


def in_float64(value: Any) -> Any:
    """The same arguments with every floating-point array in float64."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "iu" else value.astype(np.float64)
    if isinstance(value, (tuple, list)):
        return type(value)(in_float64(item) for item in value)
    return value


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
