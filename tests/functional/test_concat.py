"""Concatenation."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.functional import loops
from tests.sample_arrays import distinct


@pytest.mark.parametrize(
    ("shapes", "axis"),
    [
        ([(3,), (2,)], 0),
        ([(3,)], -1),
        ([(2, 3), (2, 1), (2, 2)], -1),
        ([(2, 3), (1, 3)], 0),
        ([(2, 1, 2), (2, 3, 2)], 1),
        ([(2, 2, 3, 1), (2, 2, 3, 4)], -1),
        ([(1, 2, 1, 2, 1), (1, 2, 3, 2, 1)], 2),
        ([(2, 0), (2, 3)], 1),
        ([(2, 3), (2, 1)], np.int64(1)),
    ],
)
def test_concat(shapes, axis):
    arrays = [distinct(shape, k) for k, shape in enumerate(shapes)]
    np.testing.assert_array_equal(F.concat(arrays, axis=axis).data, loops.concat(arrays, axis))
    assert gradcheck(lambda *t: F.concat(t, axis=axis), arrays)


def test_numbers_join_into_a_vector():
    a, b = Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    y = F.concat([a, b, 3.0])
    assert y.data.tolist() == [1, 2, 3]
    y.backward([4, 5, 6])
    assert (a.grad, b.grad) == (4, 5)
    assert a.grad.shape == ()
    assert F.concat([np.array(1.0), np.array([2.0, 3.0])]).data.tolist() == [1, 2, 3]


def test_the_last_axis_is_the_default_and_the_skip_comes_first():
    skip, up = np.zeros((1, 2, 2, 1)), np.ones((1, 2, 2, 2))
    assert F.concat([skip, up]).data[0, 0, 0].tolist() == [0, 1, 1]


def test_one_tensor_several_times_and_constants_between():
    assert gradcheck(lambda x: F.concat([x, np.ones((2, 1)), x, x * x]), [distinct((2, 3))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_plain_arrays_follow(dtype):
    x = Tensor(np.ones((2, 2), dtype), requires_grad=True)
    y = F.concat([np.ones((2, 1), np.float64), x, [[1], [2]]])
    assert y.dtype == dtype
    y.sum().backward()
    assert x.grad.dtype == dtype


@pytest.mark.parametrize(
    ("shapes", "axis", "message"),
    [
        ([], 0, "the list of tensors is empty"),
        ([(2, 3), (2, 3)], 2, "axis must be between -2 and 1, got 2"),
        ([(2, 3), (2, 3)], None, "axis must be between -2 and 1, got None"),
        ([(2, 3), (3, 3)], 1, r"the shapes must agree except along axis 1, got \[\(2, 3\), \(3, 3\)\]"),
        ([(2, 3), (2, 3, 1)], 0, r"must have the same number of axes, got shapes \[\(2, 3\), \(2, 3, 1\)\]"),
    ],
)
def test_concat_refusals(shapes, axis, message):
    with pytest.raises(ValueError, match=f"concat: .*{message}"):
        F.concat([np.zeros(shape) for shape in shapes], axis)


def test_concat_refuses_two_precisions():
    with pytest.raises(
        ValueError, match=r"concat: the dtypes must agree, but tensors\[0\] is float32, tensors\[1\] is float64"
    ):
        F.concat([Tensor([1.0]), Tensor(np.ones(1))])


def test_one_tensor_is_not_taken_for_a_list():
    with pytest.raises(TypeError, match=r"concat: tensors is one Tensor; give a list of them, such as \[a, b\]"):
        F.concat(Tensor(np.zeros((2, 3))))
