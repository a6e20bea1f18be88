"""Max pooling by four flat arrays against the plain one: values, winners, ties, NaN and infinity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.kernels import reference
from minunet.kernels.cpu import pooling
from minunet.kernels.dispatch import prefer

WINDOW = ((2, 2), (2, 2), (0, 0))


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(2, 40), st.integers(2, 40), st.integers(1, 70)),
    values=st.sampled_from([(0.0, 1.0), (0.0, -0.0), (np.nan, 0.0, 1.0), (-np.inf, np.inf, 0.0), None]),
    dtype=st.sampled_from([np.float32, np.float64]),
    chunk=st.sampled_from([1, 3_000, 65_536]),
    seed=st.integers(0, 100),
)
def test_equals_the_reference(shape, values, dtype, chunk, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) if values is None else rng.choice(values, shape)
    x = x.astype(dtype)
    with pytest.MonkeyPatch.context() as patch, prefer("two by two"):
        patch.setattr(pooling, "CHUNK", chunk)
        assert reference.max_pool2d.choose(x, *WINDOW).name == "two by two"
        y, argmax = reference.max_pool2d(x, *WINDOW)
        expected_y, expected_argmax = reference.max_pool2d.reference.run(x, *WINDOW)
        np.testing.assert_array_equal(y, expected_y)
        np.testing.assert_array_equal(argmax, expected_argmax)
        assert argmax.dtype == expected_argmax.dtype
        grad = rng.standard_normal(y.shape).astype(dtype)
        if values is not None:
            grad.flat[:: max(1, grad.size // 7)] = np.inf
        assert reference.max_pool2d_grad.choose(grad, argmax, shape, *WINDOW).name == "two by two"
        np.testing.assert_array_equal(
            reference.max_pool2d_grad(grad, argmax, shape, *WINDOW),
            reference.max_pool2d_grad.reference.run(grad, argmax, shape, *WINDOW),
        )


@pytest.mark.parametrize("window", [((3, 3), (2, 2), (0, 0)), ((2, 2), (1, 1), (0, 0)), ((2, 2), (2, 2), (1, 0))])
def test_leaves_other_windows_to_the_reference(window):
    assert reference.max_pool2d.choose(np.ones((1, 6, 6, 2), np.float32), *window).name == "reference"
