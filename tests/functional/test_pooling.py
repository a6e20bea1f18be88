"""Pooling, compared with loops and finite differences; ties, NaN, overlapping windows, padding."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct

# (x shape, kernel size, stride, padding)
CASES = [
    ((1, 4, 4, 1), (2, 2), (2, 2), (0, 0)),
    ((2, 5, 7, 3), (2, 2), (2, 2), (0, 0)),  # a row and a column left out
    ((2, 5, 4, 2), (3, 2), (1, 1), (0, 0)),  # overlapping
    ((1, 7, 6, 2), (3, 3), (2, 2), (1, 1)),  # overlapping and padded
    ((1, 6, 7, 1), (2, 3), (3, 4), (1, 2)),  # apart
    ((2, 3, 3, 2), (3, 3), (3, 3), (0, 0)),
    ((1, 1, 1, 2), (2, 2), (1, 1), (1, 1)),  # every window mostly padding
    ((1, 2, 5, 1), (1, 1), (1, 1), (0, 0)),
    ((1, 3, 4, 2), (5, 4), (2, 1), (2, 3)),
]
REDUCTIONS = {
    "max_pool2d": lambda inside, count: max(inside),
    "sum_pool2d": lambda inside, count: sum(inside),
    "avg_pool2d": lambda inside, count: sum(inside) / count,
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_are_those_of_the_loops(case, name):
    shape, *window = case
    x = distinct(shape) - 2  # all negative, so that a zero from the padding would win a maximum
    y = getattr(F, name)(x, *window).data
    np.testing.assert_allclose(y, loops.pool(x, *window, REDUCTIONS[name]), rtol=1e-13)
    np.testing.assert_array_equal(getattr(F, name)(Tensor(x, requires_grad=True), *window).data, y)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_average_without_padding_divides_by_the_pixels_inside(case):
    shape, *window = case
    x = distinct(shape)
    expected = loops.pool(x, *window, lambda inside, count: sum(inside) / len(inside))
    np.testing.assert_allclose(F.avg_pool2d(x, *window, count_include_pad=False).data, expected, rtol=1e-13)
    assert gradcheck(lambda t: F.avg_pool2d(t, *window, count_include_pad=False), [x])


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients(case, name):
    shape, *window = case
    assert gradcheck(lambda t: getattr(F, name)(t, *window), [distinct(shape)])


@pytest.mark.parametrize("name", ["sum_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gradient_is_the_adjoint(case, name):
    shape, *window = case
    x = Tensor(distinct(shape), requires_grad=True)
    y = getattr(F, name)(x, *window)
    direction = distinct(y.shape, 1)
    y.backward(direction)
    assert (x.data * x.grad).sum() == pytest.approx((y.data * direction).sum(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_first_of_equal_maxima_takes_the_gradient(case):
    shape, *window = case
    x = np.random.default_rng(0).integers(0, 3, shape).astype(float)  # many ties
    t = Tensor(x, requires_grad=True)
    y = F.max_pool2d(t, *window)
    grad = distinct(y.shape, 1)
    y.backward(grad)
    np.testing.assert_allclose(t.grad, loops.max_pool2d_gradient(grad, x, *window), rtol=1e-13, atol=1e-15)


def test_a_flat_image_sends_each_gradient_to_the_top_left():
    x = Tensor(np.ones((1, 4, 4, 1)), requires_grad=True)
    F.max_pool2d(x).sum().backward()
    np.testing.assert_array_equal(x.grad[0, :, :, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_nan_wins_wherever_it_stands(place):
    x = np.arange(1.0, 5).reshape(1, 2, 2, 1)
    x[(0, *place, 0)] = np.nan
    t = Tensor(x, requires_grad=True)
    y = F.max_pool2d(t)
    assert np.isnan(y.item())
    y.backward()
    assert t.grad[(0, *place, 0)] == 1
    assert np.count_nonzero(t.grad) == 1


def test_an_infinite_gradient_stays_with_its_winner():
    x = Tensor(np.arange(4.0).reshape(1, 2, 2, 1), requires_grad=True)
    F.max_pool2d(x).backward(np.full((1, 1, 1, 1), np.inf))
    np.testing.assert_array_equal(x.grad.ravel(), [0, 0, 0, np.inf])


@pytest.mark.parametrize("kernel", [(16, 16), (16, 17), (3, 300)])
def test_windows_of_256_pixels_and_more(kernel):
    """Up to 256 pixels, the position of the maximum fits into a byte."""
    x = Tensor(distinct((1, *kernel, 2)), requires_grad=True)
    x.data[0, -1, -1, :] = 5
    y = F.max_pool2d(x, kernel)
    assert (y.data == 5).all()
    y.backward(np.ones(y.shape))
    assert (x.grad[0, -1, -1] == 1).all()
    assert np.count_nonzero(x.grad) == 2


def test_the_stride_is_the_window_by_default_and_pairs_are_rows_first():
    x = distinct((1, 6, 6, 1))
    for name in REDUCTIONS:
        pool = getattr(F, name)
        np.testing.assert_array_equal(pool(x).data, pool(x, 2, 2, 0).data)
        np.testing.assert_array_equal(pool(x, 3).data, pool(x, (3, 3), stride=(3, 3), padding=(0, 0)).data)
        assert pool(x, (2, 3)).shape == pool(x, [2, 3], None).shape == (1, 3, 2, 1)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    x = Tensor(np.ones((1, 4, 4, 2), dtype), requires_grad=True)
    y = getattr(F, name)(x, 3, 1, 1)
    assert y.dtype == dtype
    y.mean().backward()
    assert x.grad.dtype == dtype
    assert getattr(F, name)(np.ones((1, 4, 4, 2), np.uint8)).dtype == np.float32


@pytest.mark.parametrize("name", REDUCTIONS)
def test_views_and_empty_batches(name):
    pool = getattr(F, name)
    x = distinct((2, 4, 6, 3))
    np.testing.assert_array_equal(pool(np.asfortranarray(x)).data, pool(x).data)
    assert gradcheck(lambda t: pool(t.transpose(0, 2, 1, 3)).transpose(), [x[:1, :, :4, :2]])
    empty = Tensor(np.zeros((0, 4, 4, 2)), requires_grad=True)
    y = pool(empty)
    assert y.shape == (0, 2, 2, 2)
    y.backward(np.zeros(y.shape))
    assert empty.grad.shape == empty.shape


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((4, 4, 1), (), r"x must have shape \(N, H, W, C\), got \(4, 4, 1\)"),
        ((1, 4, 4, 1), (0,), "kernel_size must be at least 1, got 0"),
        ((1, 4, 4, 1), ((2, 2, 2),), r"kernel_size must be an integer or a pair of integers, got \(2, 2, 2\)"),
        ((1, 4, 4, 1), (2, 0), "stride must be at least 1, got 0"),
        ((1, 4, 4, 1), (2, 2, -1), "padding must be at least 0, got -1"),
        ((1, 4, 4, 1), (2, 2, 2), "padding must be less than kernel_size.*; got padding 2, kernel_size 2"),
        ((1, 4, 4, 1), (5,), "kernel_size 5 is larger than the padded image, 4x4 with padding 0"),
        ((1, 4, 4, 1), ((300, 300),), r"kernel_size \(300, 300\)"),
    ],
)
def test_refusals_name_the_argument_and_its_value(name, shape, arguments, message):
    with pytest.raises(ValueError, match=f"{name}: .*{message}|{name}: {message}"):
        getattr(F, name)(np.zeros(shape), *arguments)


@pytest.mark.parametrize("size", [4, 64])
def test_the_largest_float32_numbers_cause_no_warning(size):
    x = Tensor(np.full((1, size, size, 8), 3e38, np.float32), requires_grad=True)
    y = F.max_pool2d(x)
    assert (y.data == np.float32(3e38)).all()
    y.backward(np.full(y.shape, 3e38, np.float32))
    assert (x.grad[:, ::2, ::2] == np.float32(3e38)).all()
    x.grad = None
    F.relu(x).backward(x.data)
