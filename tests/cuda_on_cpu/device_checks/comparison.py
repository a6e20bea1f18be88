"""Random arguments for the primitives, and comparison of a kernel's results with those of the reference.

Values are distinct and never zero, so that ReLU's kink and ties in pooling occur only where a test means them to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Allowed error, relative to the largest value: sums of thousands of float32 products; bfloat16 results have 8 bits.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 4e-3}


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Distinct numbers from -0.8 to 1.2, none of them zero, in random places; their sum does not cancel."""
    count = int(np.prod(shape))
    spread = (np.arange(count) + 0.5) / max(count, 1) * 2 - 0.79173
    return rng.permutation(spread).reshape(shape).astype(dtype)


def parameters(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Weights or biases that go with activations of this dtype: float32 with bfloat16."""
    return values(rng, shape, "float32" if dtype == "bfloat16" else dtype)


def bf16_weights(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Weights as `parameters`, for bfloat16 activations rounded so that bfloat16 holds them exactly."""
    weights = parameters(rng, shape, dtype)
    return weights if dtype == "float32" else (weights.view(np.uint32) & 0xFFFF0000).view(np.float32)


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
