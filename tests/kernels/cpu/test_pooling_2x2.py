"""Pooling by 2x2 windows against the plain one: values, winners, ties, NaN and infinity, odd sizes, threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import primitives
from minunet.kernels.cpu import pooling_2x2, threads
from minunet.kernels.dispatch import prefer

WINDOW = ((2, 2), (2, 2), (0, 0))


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(2, 40), st.integers(2, 40), st.integers(1, 70)),
    values=st.sampled_from([(0.0, 1.0), (0.0, -0.0), (np.nan, 0.0, 1.0), (-np.inf, np.inf, 0.0), None]),
    dtype=st.sampled_from([np.float32, np.float64]),
    values_per_block=st.sampled_from([1, 3_000, 65_536]),
    seed=st.integers(0, 100),
)
def test_equals_the_reference(shape, values, dtype, values_per_block, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) if values is None else rng.choice(values, shape)
    x = x.astype(dtype)
    with pytest.MonkeyPatch.context() as patch, prefer("pooling_2x2"):
        patch.setattr(pooling_2x2, "VALUES_PER_BLOCK", values_per_block)
        assert primitives.max_pool2d.choose(x, *WINDOW).name == "pooling_2x2"
        y, argmax = primitives.max_pool2d(x, *WINDOW)
        expected_y, expected_argmax = primitives.max_pool2d.reference(x, *WINDOW)
        np.testing.assert_array_equal(y, expected_y)
        np.testing.assert_array_equal(argmax, expected_argmax)
        assert argmax.dtype == expected_argmax.dtype
        assert primitives.max_pool2d_values.choose(x, *WINDOW).name == "pooling_2x2"
        np.testing.assert_array_equal(primitives.max_pool2d_values(x, *WINDOW), expected_y)
        grad = rng.standard_normal(y.shape).astype(dtype)
        if values is not None:
            grad.flat[:: max(1, grad.size // 7)] = np.inf
        assert primitives.max_pool2d_grad.choose(grad, argmax, shape, *WINDOW).name == "pooling_2x2"
        np.testing.assert_array_equal(
            primitives.max_pool2d_grad(grad, argmax, shape, *WINDOW),
            primitives.max_pool2d_grad.reference(grad, argmax, shape, *WINDOW),
        )


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(2, 40), st.integers(2, 40), st.integers(1, 70)),
    precision=st.sampled_from([(np.float32, 1e-6), (np.float64, 1e-14)]),
    values_per_block=st.sampled_from([1, 3_000, 65_536]),
)
def test_sums_equal_the_reference(shape, precision, values_per_block):
    dtype, tolerance = precision
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    with pytest.MonkeyPatch.context() as patch, prefer("pooling_2x2"):
        patch.setattr(pooling_2x2, "VALUES_PER_BLOCK", values_per_block)
        assert primitives.sum_pool2d.choose(x, *WINDOW).name == "pooling_2x2"
        y = primitives.sum_pool2d(x, *WINDOW)
        np.testing.assert_allclose(y, primitives.sum_pool2d.reference(x, *WINDOW), rtol=0, atol=8 * tolerance)
        assert y.dtype == dtype
        assert primitives.sum_pool2d_grad.choose(y, shape, *WINDOW).name == "pooling_2x2"
        np.testing.assert_array_equal(
            primitives.sum_pool2d_grad(y, shape, *WINDOW), primitives.sum_pool2d_grad.reference(y, shape, *WINDOW)
        )


def test_every_window_of_three_values():
    """All 81 windows of the values 0, 1 and 2: every tie there is."""
    values = np.stack(np.meshgrid(*[np.arange(3.0)] * 4, indexing="ij"), axis=-1).reshape(81, 2, 2, 1)
    y, argmax = pooling_2x2.max_pool2d(values, *WINDOW)
    np.testing.assert_array_equal(y.ravel(), values.reshape(81, 4).max(axis=1))
    np.testing.assert_array_equal(argmax.ravel(), values.reshape(81, 4).argmax(axis=1))


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(pooling_2x2, "VALUES_PER_BLOCK", 3_000)
    x = np.random.default_rng(0).standard_normal((2, 41, 30, 6)).astype(np.float32)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "_num_threads", count)
        y, argmax = pooling_2x2.max_pool2d(x, *WINDOW)
        arrays = [
            y,
            argmax,
            pooling_2x2.max_pool2d_grad(y, argmax, x.shape, *WINDOW),
            pooling_2x2.sum_pool2d(x, *WINDOW),
        ]
        arrays.append(pooling_2x2.max_pool2d_values(x, *WINDOW))
        results.append([array.tobytes() for array in arrays])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("window", [((3, 3), (2, 2), (0, 0)), ((2, 2), (1, 1), (0, 0)), ((2, 2), (2, 2), (1, 0))])
def test_leaves_other_windows_to_the_reference(window):
    assert primitives.max_pool2d.choose(np.ones((1, 6, 6, 2), np.float32), *window).name == "reference"
