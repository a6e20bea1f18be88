"""Activations and softmax, compared with loops and finite differences, at extreme values, for any rank."""

import math

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

SCALARS = {"relu": lambda v: max(v, 0.0), "tanh": math.tanh, "sigmoid": loops.sigmoid}
SHAPES = [(), (1,), (7,), (3, 5), (2, 3, 4), (2, 3, 1, 2), (2, 1, 3, 2, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SCALARS)
def test_values_and_gradients(name, shape):
    x = distinct(shape, low=-4, high=4)
    y = getattr(F, name)(x)
    assert y.shape == shape
    np.testing.assert_allclose(y.data, loops.elementwise(SCALARS[name], x), rtol=1e-13)
    assert gradcheck(getattr(F, name), [x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
@pytest.mark.parametrize("name", [*SCALARS, "softmax"])
def test_dtype_is_kept(name, shape, dtype):
    x = Tensor(distinct(shape, dtype=dtype), requires_grad=True)
    y = getattr(F, name)(x)
    assert y.dtype == dtype
    y.backward(np.ones(shape))
    assert x.grad.dtype == dtype
    assert x.grad.shape == shape


@pytest.mark.parametrize("name", SCALARS)
def test_numbers_lists_arrays_and_views(name):
    apply = getattr(F, name)
    assert apply(0.5).shape == ()
    assert apply([1, -2]).dtype == np.float32
    x = distinct((4, 3, 2))
    np.testing.assert_allclose(apply(x.transpose(2, 0, 1)).data, apply(x).data.transpose(2, 0, 1), rtol=1e-14)
    assert gradcheck(lambda t: apply(t.transpose(2, 0, 1)).transpose(1, 0, 2), [x])
    assert apply(np.zeros((0, 3))).shape == (0, 3)


def test_the_gradient_of_relu_at_zero_is_zero():
    x = Tensor(np.array([-1.0, -0.0, 0.0, 1.0]), requires_grad=True)
    F.relu(x).backward(np.array([np.inf, 1, 1, 1]))
    np.testing.assert_array_equal(x.grad, [0, 0, 0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_saturate_without_warning(dtype):
    x = Tensor(np.array([-np.inf, -1e4, -745, -20, 0, 20, 745, 1e4, np.inf], dtype), requires_grad=True)
    y = F.sigmoid(x)
    np.testing.assert_allclose(y.data[[0, 1, 4, 7, 8]], [0, 0, 0.5, 1, 1])
    assert y.data[3] == pytest.approx(2.0611536e-9, rel=1e-6)  # exp(-20), not 1 - (1 - exp(-20))
    y.backward(np.ones(9))
    assert np.isfinite(x.grad).all()
    z = F.tanh(x)
    np.testing.assert_allclose(z.data[[0, 1, 4, 7, 8]], [-1, -1, 0, 1, 1])


def test_nan_is_passed_on():
    for name in SCALARS:
        assert np.isnan(getattr(F, name)(np.array([np.nan])).data).all()


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((4,), 0),
        ((3, 5), -1),
        ((3, 5), 0),
        ((2, 3, 4), 1),
        ((2, 3, 4), -3),
        ((2, 1, 3, 2), 1),
        ((2, 2, 1, 3, 2), 3),
        ((2, 3, 2), np.int64(2)),
    ],
)
def test_softmax(shape, axis):
    x = distinct(shape, low=-3, high=3)
    y = F.softmax(x, axis)
    np.testing.assert_allclose(y.data, loops.softmax(x, axis), rtol=1e-13)
    np.testing.assert_allclose(y.data.sum(axis=axis), 1, rtol=1e-13)
    assert gradcheck(lambda t: F.softmax(t, axis=axis), [x])


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_of_a_single_number_is_certain(axis):
    x = Tensor(np.array(3.0), requires_grad=True)
    y = F.softmax(x, axis)
    assert (y.shape, y.item()) == ((), 1.0)
    y.backward()
    assert x.grad == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_scores_of_ten_thousand(dtype):
    x = Tensor(np.array([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4], [0, 1e4, -np.inf]], dtype), requires_grad=True)
    y = F.softmax(x)
    e = math.exp(-1)
    np.testing.assert_allclose(y.data, [[1 / (1 + e), e / (1 + e), 0], [1 / 3] * 3, [0, 1, 0]], rtol=1e-6)
    y.backward(np.array([[1.0, 0, 0]] * 3))
    assert np.isfinite(x.grad).all()
    np.testing.assert_allclose(x.grad.sum(axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("scores", [[1, np.inf, 2], [np.inf, np.inf, 0], [-np.inf] * 3])
def test_infinite_scores_without_a_limit_give_nan_as_in_pytorch(scores):
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(F.softmax(np.array([scores])).data).all()
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(F.cross_entropy(np.array([scores]), np.array([1])).data)


@pytest.mark.parametrize("axis", [2, -3, None, 0.5])
def test_softmax_names_a_wrong_axis(axis):
    with pytest.raises(ValueError, match=rf"softmax: axis must be between -2 and 1 for shape \(2, 3\), got {axis}"):
        F.softmax(np.zeros((2, 3)), axis)
