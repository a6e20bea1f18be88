"""Sums and means: along any axes, exact in float32, and their gradients."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from tests.sample_arrays import distinct

AXES = [None, 0, 1, -1, (0, 1), (0, -1), [1, 2], (2, 0, 1), ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "mean"])
def test_values_and_gradients(name, axis, keepdims):
    x = distinct((3, 2, 5))
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    expected = getattr(x, name)(axis=numpy_axis, keepdims=keepdims)
    result = getattr(Tensor(x), name)(axis=axis, keepdims=keepdims)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.data, expected, rtol=1e-13)
    assert gradcheck(lambda t: getattr(t, name)(axis=axis, keepdims=keepdims), [x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    x = Tensor(np.ones((4, 3), dtype), requires_grad=True)
    for y in (x.sum(), x.sum(0), x.mean(), x.mean(1), x.mean((0, 1))):
        assert y.dtype == dtype
        y.backward(np.ones(y.shape))
        assert x.grad.dtype == dtype


@pytest.mark.parametrize("axis", [None, 0, -1, ()])
def test_a_single_number_is_its_own_sum(axis):
    x = Tensor(np.array(2.5), requires_grad=True)
    y = x.sum(axis) + x.mean(axis)
    assert y.item() == 5
    y.backward()
    assert x.grad == 2


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("axis", [2, -3, (0, 5), (1, 1)])
def test_a_wrong_axis_is_named(name, axis):
    with pytest.raises(ValueError, match=rf"{name}: axis .* does not fit a tensor of shape \(2, 3\)"):
        getattr(Tensor(np.zeros((2, 3))), name)(axis)


def test_nothing_sums_to_zero_and_has_no_mean():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    assert x.sum().item() == 0
    assert np.isnan(x.mean().item())
    np.testing.assert_array_equal(x.sum(0).data, 0)
    x.mean().backward()
    assert x.grad.shape == (0, 3)


def test_long_float32_sums_do_not_drift():
    """NumPy's own sum adds leading axes one after another and is 0.8 % too large here."""
    x = Tensor(np.full((1_000_000, 2), 0.1, np.float32))
    np.testing.assert_allclose(x.sum(0).data, 1e5, rtol=1e-6)
    np.testing.assert_allclose(x.mean(0).data, 0.1, rtol=1e-6)
    bias = Tensor(np.zeros(2, np.float32), requires_grad=True)
    (x * 0.0 + bias).backward(x.data)
    np.testing.assert_allclose(bias.grad, 1e5, rtol=1e-6)
