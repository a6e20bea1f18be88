"""Largest and smallest values: along axes, of two tensors, and within bounds."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, gradcheck
from tests.autograd.test_arithmetic import BROADCASTS
from tests.sample_arrays import distinct

AXES = [None, 0, 1, -1, (0, 1), (0, -1), [1, 2], (2, 0, 1), ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["max", "min"])
def test_values_and_gradients(name, axis, keepdims):
    x = distinct((3, 2, 5))
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    expected = getattr(x, name)(axis=numpy_axis, keepdims=keepdims)
    result = getattr(Tensor(x), name)(axis=axis, keepdims=keepdims)
    assert result.shape == np.shape(expected)
    np.testing.assert_array_equal(result.data, expected)
    assert gradcheck(lambda t: getattr(t, name)(axis=axis, keepdims=keepdims), [x])


def test_equal_elements_share_the_gradient():
    x = Tensor([[1.0, 3.0, 3.0], [2.0, 0.0, 2.0]], requires_grad=True)
    x.max(1).backward([1.0, 4.0])
    np.testing.assert_array_equal(x.grad, [[0, 0.5, 0.5], [2, 0, 2]])


def test_many_equal_elements_in_float16():
    x = Tensor(np.zeros(70_000, np.float16), requires_grad=True)
    (x.max() * 1000.0).backward()
    np.testing.assert_allclose(x.grad, 1 / 70, rtol=1e-3)


def test_nan_is_the_largest_and_the_smallest():
    for name in ("max", "min"):
        x = Tensor([1.0, np.nan, 2.0], requires_grad=True)
        y = getattr(x, name)()
        y.backward()
        assert np.isnan(y.item())
        np.testing.assert_array_equal(x.grad, [0, 1, 0])


@pytest.mark.parametrize("axis", [None, 0, -1, ()])
def test_a_single_number_is_its_own_extreme(axis):
    x = Tensor(np.array(2.5), requires_grad=True)
    y = x.max(axis) + x.min(axis)
    assert y.item() == 5
    y.backward()
    assert x.grad == 2


@pytest.mark.parametrize("name", ["max", "min"])
def test_axes_that_do_not_fit(name):
    for axis in (2, -3, (0, 5), (1, 1)):
        with pytest.raises(ValueError, match=rf"{name}: axis .* does not fit a tensor of shape \(2, 3\)"):
            getattr(Tensor(np.zeros((2, 3))), name)(axis)
    for axis in (None, 0, (0, 1)):
        with pytest.raises(ValueError, match=rf"{name}: there are no elements to choose from along axis .* \(0, 3\)"):
            getattr(Tensor(np.zeros((0, 3))), name)(axis)
    assert getattr(Tensor(np.zeros((0, 3))), name)(1).shape == (0,)


@pytest.mark.parametrize(("left", "right"), BROADCASTS)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_two_tensors_broadcast(name, left, right):
    a, b = distinct(left, 1), np.asarray(distinct(right, 2) + 0.01)
    function = getattr(minunet, name)
    np.testing.assert_array_equal(function(Tensor(a), Tensor(b)).data, getattr(np, name)(a, b))
    assert gradcheck(function, [a, b])


def test_equal_values_get_half_of_the_gradient_each():
    for function in (minunet.maximum, minunet.minimum):
        a, b = Tensor([1.0, 5.0], requires_grad=True), Tensor([1.0, 5.0], requires_grad=True)
        function(a, b).backward([2.0, 4.0])
        np.testing.assert_array_equal(a.grad, [1, 2])
        np.testing.assert_array_equal(b.grad, [1, 2])


@pytest.mark.parametrize("function", [minunet.maximum, minunet.minimum])
def test_numbers_arrays_and_precision(function):
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    for other in (0, 2.0, np.float64(0.5), np.array(0.5)):
        for y in (function(x, other), function(other, x)):
            assert y.dtype == np.float32
    assert function(x, np.zeros(3)).dtype == np.float64
    function([1.0, 2.0], 1.5)  # no tensor at all


BOUNDS = [
    (-0.3, 0.4),
    (None, 0.2),
    (-0.1, None),
    (np.full((3, 1), -0.3), 0.4),
    (np.zeros(5) - 0.2, np.zeros((2, 1, 1))),
]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_clip(low, high):
    x = distinct((2, 3, 5))
    np.testing.assert_array_equal(Tensor(x).clip(low, high).data, np.clip(x, low, high))
    np.testing.assert_array_equal(Tensor(x).clip(max=high, min=low).data, np.clip(x, low, high))
    assert gradcheck(lambda t: t.clip(low, high), [x])


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3), (2, 3)), ((2, 3), (3,), ()), ((), (), ()), ((3,), (2, 3), (2, 1))])
def test_the_bounds_of_clip_have_gradients(shapes):
    x, low, high = (
        np.asarray(distinct(shape, k) + shift)
        for k, (shape, shift) in enumerate(zip(shapes, (0, -0.33, 0.27), strict=True))
    )
    assert gradcheck(lambda x, low, high: x.clip(low, high), [x, low, high])
    assert gradcheck(lambda low: Tensor(x).clip(low), [low])


def test_at_the_bounds_the_gradient_passes():
    x = Tensor([-1.0, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    x.clip(0, 1).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 1, 1, 0])


def test_a_bound_of_its_own_precision_that_has_a_gradient():
    x, low = Tensor(np.zeros(3, np.float32), requires_grad=True), Tensor(np.array(0.5), requires_grad=True)
    y = x.clip(low)
    y.sum().backward()
    assert y.dtype == minunet.maximum(x, low).dtype == x.grad.dtype == np.float32
    assert low.grad == 3 and low.grad.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_keeps_the_dtype(dtype):
    x = Tensor(np.ones((2, 2), dtype), requires_grad=True)
    for low in (0, 0.5, np.float64(0.5), np.array(0.5), np.uint8(0)):
        y = x.clip(low)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == dtype
    assert Tensor(np.ones((), dtype)).clip(0, np.float64(1)).dtype == np.float64 or dtype == np.float32


def test_what_clip_refuses():
    with pytest.raises(ValueError, match="clip: give min, max or both"):
        Tensor([1.0]).clip()
    with pytest.raises(
        ValueError, match=r"clip: bounds of shape \(3,\) do not broadcast with a tensor of shape \(2,\)"
    ):
        Tensor([1.0, 2.0]).clip([0, 0, 0])


def test_values_that_were_saved():
    for operation in (lambda x: x.max(), lambda x: x.clip(0, 1), lambda x: minunet.maximum(x, np.zeros(2))):
        x = Tensor([0.5, 2.0], requires_grad=True)
        y = operation(x).sum()
        x.data += 1
        with pytest.raises(RuntimeError, match="was changed after the forward pass"):
            y.backward()
