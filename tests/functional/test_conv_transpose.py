"""The up-convolution, compared with loops, finite differences and the transpose of convolution."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

# (x shape, kernel size, channels out, stride, padding)
CASES = [
    ((1, 3, 3, 1), (2, 2), 1, (2, 2), (0, 0)),
    ((2, 3, 4, 3), (2, 2), 2, (2, 2), (0, 0)),
    ((2, 4, 3, 2), (3, 3), 2, (2, 2), (1, 1)),
    ((1, 3, 5, 2), (3, 2), 3, (1, 3), (1, 0)),
    ((2, 2, 3, 1), (1, 1), 2, (1, 1), (0, 0)),
    ((1, 3, 2, 2), (1, 2), 1, (3, 2), (0, 0)),  # kernels that leave gaps in the output
    ((1, 1, 1, 2), (3, 4), 2, (2, 2), (0, 1)),
    ((1, 2, 3, 1), (5, 4), 2, (1, 2), (2, 3)),
    ((3, 1, 4, 2), (4, 4), 1, (2, 2), (1, 1)),
]


def arrays(case, dtype=np.float64):
    shape, kernel_size, out, *_ = case
    weight_shape = (*kernel_size, shape[3], out)
    return distinct(shape, 1, dtype=dtype), distinct(weight_shape, 2, dtype=dtype), distinct(out, 3, dtype=dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_are_those_of_the_loops(case):
    *_, stride, padding = case
    x, weight, bias = arrays(case)
    for b in (bias, None):
        y = F.conv_transpose2d(x, weight, b, stride=stride, padding=padding)
        np.testing.assert_allclose(
            y.data, loops.conv_transpose2d(x, weight, b, stride, padding), rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients(case):
    *_, stride, padding = case
    x, weight, bias = arrays(case)
    assert gradcheck(lambda *a: F.conv_transpose2d(*a, stride=stride, padding=padding), [x, weight, bias])
    assert gradcheck(lambda x, w: F.conv_transpose2d(x, w, stride=stride, padding=padding), [x, weight])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_the_transpose_of_convolution(case):
    """<conv_transpose(x, w), y> = <x, conv(y, w')>, where w' is w with its channels exchanged."""
    *_, stride, padding = case
    x, weight, _ = arrays(case)
    up = F.conv_transpose2d(x, weight, stride=stride, padding=padding).data
    y = distinct(up.shape, 7)
    down = F.conv2d(y, weight.swapaxes(2, 3), stride=stride, padding=padding).data
    assert (up * y).sum() == pytest.approx((x * down).sum(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gradient_is_the_adjoint(case):
    *_, stride, padding = case
    values = arrays(case)
    x, weight = Tensor(values[0], requires_grad=True), Tensor(values[1], requires_grad=True)
    y = F.conv_transpose2d(x, weight, stride=stride, padding=padding)
    direction = distinct(y.shape, 7)
    y.backward(direction)
    inner = (y.data * direction).sum()
    assert (x.data * x.grad).sum() == pytest.approx(inner, rel=1e-12, abs=1e-12)
    assert (weight.data * weight.grad).sum() == pytest.approx(inner, rel=1e-12, abs=1e-12)


def test_one_pixel_stamps_the_kernel():
    """Input channel i goes to output channel o by weight[kh, kw, i, o], not flipped."""
    weight = distinct((2, 3, 2, 2))
    x = np.zeros((1, 2, 2, 2))
    x[0, 1, 0, 1] = 10
    y = F.conv_transpose2d(x, weight, stride=(2, 3)).data
    np.testing.assert_allclose(y[0, 2:4, 0:3], 10 * weight[:, :, 1, :])
    assert np.count_nonzero(y) == 12


def test_the_default_stride_doubles_the_image():
    assert F.conv_transpose2d(np.zeros((1, 3, 5, 2)), np.zeros((2, 2, 2, 4))).shape == (1, 6, 10, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    x, weight, bias = (Tensor(a, requires_grad=True) for a in arrays(CASES[1], dtype))
    y = F.conv_transpose2d(x, weight, bias)
    assert y.dtype == dtype
    y.mean().backward()
    assert {t.grad.dtype for t in (x, weight, bias)} == {np.dtype(dtype)}
    assert F.conv_transpose2d(np.ones((1, 2, 2, 3)), weight).dtype == dtype


def test_an_empty_batch():
    weight = Tensor(distinct((2, 2, 2, 3)), requires_grad=True)
    y = F.conv_transpose2d(np.zeros((0, 3, 2, 2)), weight)
    assert y.shape == (0, 6, 4, 3)
    y.backward(np.zeros(y.shape))
    assert not weight.grad.any()


X, W = np.zeros((2, 5, 4, 3), np.float32), np.zeros((2, 2, 3, 8), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X[0], W), {}, r"conv_transpose2d: x must have shape \(N, H, W, C\), got \(5, 4, 3\)"),
        ((X, W[0]), {}, r"weight must have shape \(kh, kw, C_in, C_out\), got \(2, 3, 8\)"),
        ((X, W.swapaxes(2, 3)), {}, r"x has 3 channels, but weight of shape \(2, 2, 8, 3\) takes 8"),
        ((X, W, np.zeros(3, np.float32)), {}, r"bias must have shape \(8,\), got \(3,\)"),
        ((X, W), {"stride": 0}, "stride must be at least 1, got 0"),
        ((X, W), {"padding": (0, -1)}, r"padding must be at least 0, got \(0, -1\)"),
        ((X, W), {"padding": "same"}, "padding must be an integer or a pair of integers, got 'same'"),
        ((X, W), {"padding": 4}, "padding 4 leaves an output of 2x0 pixels"),
        ((Tensor(X), Tensor(W.astype(float))), {}, "dtypes must agree, but x is float32, weight is float64"),
    ],
)
def test_refusals_name_the_argument_and_its_value(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        F.conv_transpose2d(*arguments, **options)
