"""Fully connected layers and flattening."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

SHAPES = [(3,), (4, 3), (2, 5, 3), (2, 1, 2, 3), (2, 2, 1, 2, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_takes_one_to_five_axes(shape):
    x, weight, bias = distinct(shape), distinct((3, 2), 1), distinct(2, 2)
    np.testing.assert_allclose(F.linear(x, weight, bias).data, loops.linear(x, weight, bias), rtol=1e-13)
    np.testing.assert_allclose(F.linear(x, weight).data, loops.linear(x, weight, None), rtol=1e-13, atol=1e-15)
    assert gradcheck(F.linear, [x, weight, bias])
    assert gradcheck(F.linear, [x, weight])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_dtype_is_kept(shape, dtype):
    x, weight, bias = (Tensor(distinct(s, dtype=dtype), requires_grad=True) for s in (shape, (3, 2), (2,)))
    y = F.linear(x, weight, bias)
    assert y.dtype == dtype
    y.mean().backward()
    for t in (x, weight, bias):
        assert (t.grad.dtype, t.grad.shape) == (dtype, t.shape)


def test_linear_follows_its_tensors_and_takes_views_and_empty_batches():
    weight = Tensor(distinct((3, 2), dtype=np.float32), requires_grad=True)
    assert F.linear([1, 2, 3], weight, [0.5, 1]).dtype == np.float32
    assert F.linear(np.ones((4, 3)), weight).dtype == np.float32
    assert gradcheck(lambda x, w: F.linear(x.transpose(1, 0), w.T), [distinct((3, 4)), distinct((2, 3))])
    y = F.linear(np.zeros((0, 3)), weight)
    assert y.shape == (0, 2)
    y.backward(np.zeros((0, 2)))
    assert not weight.grad.any()


def test_a_long_bias_gradient_does_not_drift():
    bias = Tensor(np.zeros(2, np.float32), requires_grad=True)
    F.linear(np.zeros((500_000, 1), np.float32), np.zeros((1, 2), np.float32), bias).backward(
        np.full((500_000, 2), 0.1)
    )
    np.testing.assert_allclose(bias.grad, 5e4, rtol=1e-4)  # added one after another: 0.4 % off


@pytest.mark.parametrize(
    ("x", "weight", "bias", "message"),
    [
        ((), (3, 2), None, r"linear: x of shape \(\) does not end in the 3 inputs of weight \(3, 2\)"),
        ((4, 2), (3, 2), None, r"linear: x of shape \(4, 2\) does not end in the 3 inputs"),
        ((4, 3), (3,), None, r"linear: weight must have shape \(in, out\), got \(3,\)"),
        ((4, 3), (3, 2), (3,), r"linear: bias must have shape \(2,\), got \(3,\)"),
    ],
)
def test_refusals(x, weight, bias, message):
    with pytest.raises(ValueError, match=message):
        F.linear(np.zeros(x), np.zeros(weight), None if bias is None else np.zeros(bias))


def test_mixed_precision_is_refused():
    with pytest.raises(ValueError, match="linear: the dtypes must agree, but x is float64, weight is float32"):
        F.linear(Tensor(np.zeros(3)), Tensor([[1.0]] * 3))


@pytest.mark.parametrize(
    ("shape", "flat"),
    [((4,), (4, 1)), ((2, 3), (2, 3)), ((2, 3, 4, 5), (2, 60)), ((0, 3, 2), (0, 6)), ((2, 0), (2, 0))],
)
def test_flatten_keeps_the_batch(shape, flat):
    x = distinct(shape)
    np.testing.assert_array_equal(F.flatten(x).data, x.reshape(flat))
    assert gradcheck(F.flatten, [x])


def test_flatten_needs_a_batch():
    with pytest.raises(ValueError, match=r"flatten: x must have a batch axis, got shape \(\)"):
        F.flatten(1.0)
