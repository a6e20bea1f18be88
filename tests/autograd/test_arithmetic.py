"""The operators: values as in NumPy, gradients as by finite differences, precision as in PyTorch."""

import operator

import numpy as np
import pytest

import minunet
from minunet import Tensor, gradcheck
from tests.sample_arrays import distinct

ELEMENTWISE = [operator.add, operator.sub, operator.mul, operator.truediv]
BROADCASTS = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 1, 3), (4, 1)),
    ((1,), (2, 3)),
    ((1, 1, 1), (2,)),
    ((2, 3, 1, 2, 2), (3, 4, 1, 2)),
    ((0, 3), (1, 3)),
]


@pytest.mark.parametrize(("left", "right"), BROADCASTS)
@pytest.mark.parametrize("apply", ELEMENTWISE)
def test_elementwise_values_and_gradients_broadcast(apply, left, right):
    a, b = distinct(left, 1), distinct(right, 2, low=0.5, high=2)
    np.testing.assert_array_equal(apply(Tensor(a), Tensor(b)).data, apply(a, b))
    assert gradcheck(apply, [a, b])


@pytest.mark.parametrize(("left", "right"), BROADCASTS)
def test_power_of_positive_bases(left, right):
    a, b = distinct(left, 1, low=0.5, high=2), distinct(right, 2, low=-2, high=2)
    np.testing.assert_array_equal((Tensor(a) ** Tensor(b)).data, a**b)
    assert gradcheck(operator.pow, [a, b])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2])
def test_whole_powers_of_negative_bases(exponent):
    a = distinct((3, 5))
    np.testing.assert_allclose((Tensor(a) ** exponent).data, a ** float(exponent), rtol=1e-15)
    assert gradcheck(lambda x: x**exponent, [a], atol=1e-4)


@pytest.mark.parametrize(("exponent", "slope"), [(0, 0), (1, 1), (2, 0), (0.5, np.inf), (3, 0)])
def test_slope_of_a_power_at_zero(exponent, slope):
    x = Tensor(np.zeros(1), requires_grad=True)
    with np.errstate(divide="ignore"):
        (x**exponent).backward(np.ones(1))
    assert x.grad == slope


@pytest.mark.parametrize(
    ("base", "exponent", "slope"), [(0.0, 2.0, 0.0), (0.0, 0.0, 0.0), (0.0, -1.0, -np.inf), (2.0, 0.0, np.log(2))]
)
def test_slope_by_the_exponent(base, exponent, slope):
    b = Tensor(np.array(exponent), requires_grad=True)
    with np.errstate(divide="ignore"):
        (base**b).backward()
    assert b.grad == pytest.approx(slope)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "number",
    [2, 2.5, True, np.float32(2.5), np.float64(2.5), np.int64(3), np.uint8(3), np.array(2.5), np.array(3)],
    ids=lambda n: f"{type(n).__name__}-{getattr(n, 'dtype', '')}",
)
@pytest.mark.parametrize("apply", [*ELEMENTWISE, operator.pow])
def test_a_number_on_either_side_keeps_the_dtype(apply, number, dtype):
    x = Tensor(distinct(4, low=0.5, high=2, dtype=dtype), requires_grad=True)
    for y, expected in (
        (apply(x, number), apply(x.data, dtype(number))),
        (apply(number, x), apply(dtype(number), x.data)),
    ):
        assert y.dtype == dtype
        np.testing.assert_allclose(y.data, expected, rtol=1e-6)
        y.sum().backward()
        assert x.grad.dtype == dtype


def test_a_float64_number_is_not_rounded_to_float32_on_the_way():
    x = Tensor(np.ones(3))
    for third in (1 / 3, np.float64(1 / 3), [1 / 3] * 3, np.full(3, 1 / 3)):
        np.testing.assert_array_equal((x * third).data, 1 / 3)
    assert (x + np.array([2**25 + 1] * 3)).data[0] == 2**25 + 2


def test_arrays_and_lists_are_constants():
    x = Tensor(distinct((2, 3)), requires_grad=True)
    constant = distinct((2, 3), 5)
    for y in (x * constant, constant * x, x * constant.tolist(), constant.tolist() * x):
        assert isinstance(y, Tensor)
        x.grad = None
        y.sum().backward()
        np.testing.assert_array_equal(x.grad, constant)


def test_two_precisions_meet_in_the_higher_and_gradients_keep_their_own():
    a = Tensor(np.ones(3, np.float32), requires_grad=True)
    b = Tensor(np.full(3, 2.0), requires_grad=True)
    for apply in (*ELEMENTWISE, operator.pow, operator.matmul):
        a.grad = b.grad = None
        y = apply(a, b)
        assert y.dtype == np.float64
        y.sum().backward()
        assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)


def test_a_zero_dimensional_tensor_does_not_raise_the_precision():
    """PyTorch's rule: a single number of any dtype gets the dtype of the array."""
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    factor = Tensor(np.array(2.0), requires_grad=True)
    y = x * factor
    assert y.dtype == np.float32
    y.sum().backward()
    assert (x.grad.dtype, factor.grad.dtype) == (np.float32, np.float64)
    assert factor.grad == 3


@pytest.mark.parametrize(
    ("apply", "name"),
    [
        (operator.add, "add"),
        (operator.truediv, "divide"),
        (operator.pow, "power"),
        (minunet.maximum, "maximum"),
        (minunet.minimum, "minimum"),
    ],
)
def test_shapes_that_do_not_broadcast_are_named(apply, name):
    with pytest.raises(ValueError, match=rf"{name}: shapes \(2, 3\) and \(2,\) do not broadcast"):
        apply(Tensor(np.ones((2, 3))), np.ones(2))


def test_negation():
    x = distinct(5)
    np.testing.assert_array_equal((-Tensor(x)).data, -x)
    assert gradcheck(operator.neg, [x])


def test_in_place_operators_make_a_new_tensor():
    x = Tensor(np.ones(2), requires_grad=True)
    y = x
    y += 1
    y *= 3
    y.sum().backward()
    np.testing.assert_array_equal(x.data, 1)
    np.testing.assert_array_equal(x.grad, 3)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((2, 1, 2, 3), (4, 3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 4, 3), (3,)),
        ((0, 3), (3, 2)),
        ((1, 1), (1, 1)),
    ],
)
def test_matrix_products(left, right):
    a, b = distinct(left, 1), distinct(right, 2)
    y = Tensor(a) @ Tensor(b)
    np.testing.assert_allclose(y.data, a @ b, rtol=1e-14)
    assert y.shape == (a @ b).shape
    assert gradcheck(operator.matmul, [a, b])


def test_matrix_product_with_an_array_on_either_side():
    x = Tensor(distinct((2, 3)), requires_grad=True)
    m = distinct((3, 3), 1)
    np.testing.assert_allclose((x @ m).data, x.data @ m)
    np.testing.assert_allclose((m @ x.T).data, m @ x.data.T)
    assert (m @ x.T).requires_grad


def test_only_what_the_gradient_reads_is_kept():
    x = Tensor(np.ones(3), requires_grad=True)
    constant = Tensor(np.ones(3))
    for y in (x + constant, x - constant):
        assert y.creator.saved == (None, None)
    for y in (x * constant, x / constant, x @ constant):
        kept = y.creator.saved
        assert kept[0] is None
        assert kept[1] is constant.data
