"""Comparisons, which give plain boolean arrays, and the choice between two tensors."""

import operator

import numpy as np
import pytest

import minunet
from minunet import Tensor, gradcheck
from minunet.nn import Parameter
from tests.sample_arrays import distinct

SIGNS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
each_sign = pytest.mark.parametrize("compare", SIGNS)


@each_sign
@pytest.mark.parametrize(
    ("left", "right"), [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((), ()), ((0, 3), (3,))]
)
def test_values_are_numpys_and_plain_booleans(compare, left, right):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, left).astype(float), rng.integers(0, 3, right).astype(float)
    for x, y in ((Tensor(a, requires_grad=True), Parameter(b)), (Tensor(a), b), (a, Tensor(b))):
        result = compare(x, y)
        assert type(result) is np.ndarray and result.dtype == bool
        np.testing.assert_array_equal(result, compare(a, b))


@each_sign
def test_numbers_and_lists(compare):
    x = Tensor([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(compare(x, 0.2), compare(x.data, np.float32(0.2)))  # the number has float32 too
    np.testing.assert_array_equal(compare(0.2, x), compare(np.float32(0.2), x.data))
    np.testing.assert_array_equal(compare(x, [0, 1, 0]), compare(x.data, np.array([0, 1, 0])))
    np.testing.assert_array_equal(compare(x, np.nan), compare(x.data, np.nan))


def test_a_64_bit_number_is_compared_in_the_precision_of_the_tensor():
    assert (Tensor([0.1]) == np.array(0.1)).all()
    assert not (Tensor([0.1]) == np.array([0.1])).any()  # an array keeps its own


def test_what_is_no_number_is_unequal_and_has_no_order():
    x = Tensor([1.0, 2.0])
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert (x == "a") is False and (x != "a") is True
    for compare in SIGNS[2:]:
        with pytest.raises(TypeError, match="not supported between instances of 'Tensor' and 'str'"):
            compare(x, "a")
    with pytest.raises(TypeError, match="masked array"):
        x == np.ma.array([1.0, 2.0], mask=[True, False])  # noqa: B015


@each_sign
def test_shapes_that_do_not_broadcast(compare):
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\) do not broadcast"):
        compare(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))


def test_membership_compares_the_elements():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3 in x
    assert 5 not in x
    assert None not in x


def test_a_loss_can_be_a_condition():
    loss = (Tensor([1.0, 2.0], requires_grad=True) * 2.0).sum()
    assert loss > 5 and not loss > 6


@pytest.mark.parametrize(
    ("condition", "left", "right"),
    [
        ((3,), (3,), (3,)),
        ((2, 3), (3,), ()),
        ((3,), (2, 1), (2, 3)),
        ((), (2,), (2,)),
        ((2, 1), (), ()),
        ((0, 3), (3,), ()),
    ],
)
def test_where(condition, left, right):
    chosen = np.random.default_rng(0).random(condition) > 0.5
    a, b = distinct(left, 1), distinct(right, 2)
    y = minunet.where(chosen, Tensor(a), Tensor(b))
    np.testing.assert_array_equal(y.data, np.where(chosen, a, b))
    assert gradcheck(lambda a, b: minunet.where(chosen, a, b), [a, b])


def test_where_takes_numbers_lists_and_tensors():
    x = Tensor(np.array([-1.0, 2.0], np.float32), requires_grad=True)
    for y in (
        minunet.where(x > 0, x, 0),
        minunet.where([False, True], x, 0.0),
        minunet.where(np.array([0, 255], np.uint8), x, np.float64(0)),
        minunet.where(Tensor([0.0, 0.5]), x, [0, 0]),
    ):
        assert y.dtype == np.float32
        assert y.data.tolist() == [0, 2]
        x.grad = None
        y.sum().backward()
        assert x.grad.tolist() == [0, 1]
    assert minunet.where(True, 1.0, 2.0).item() == 1
    assert minunet.where(True, 1.0, 2.0).dtype == np.float32


def test_values_that_are_not_chosen_get_no_gradient_whatever_they_are():
    x = Tensor([np.nan, np.inf, 1.0], requires_grad=True)
    minunet.where([False, False, True], x, 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 1])


def test_the_condition_may_be_changed_afterwards():
    x, condition = Tensor([1.0, 2.0], requires_grad=True), np.array([True, False])
    y = minunet.where(condition, x, 0.0).sum()
    condition[:] = False
    y.backward()
    assert x.grad.tolist() == [1, 0]


def test_what_where_refuses():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="where: condition cannot require a gradient; compare it"):
        minunet.where(x, x, 0)
    with pytest.raises(
        ValueError, match=r"where: condition, a and b must broadcast, but their shapes are \(3,\), \(2,\) and \(\)"
    ):
        minunet.where([True, False, True], x, 0)
    with pytest.raises(TypeError, match="where: condition must hold booleans, got str"):
        minunet.where("yes", x, 0)
