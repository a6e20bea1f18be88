"""Reshaping and transposing."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from tests.sample_arrays import distinct


@pytest.mark.parametrize("shape", [(6, 4), (24,), (-1,), (2, -1, 2), (1, 24, 1, 1), (4, 3, 2)])
def test_reshape(shape):
    x = distinct((2, 3, 4))
    expected = x.reshape(shape)
    for y in (Tensor(x).reshape(shape), Tensor(x).reshape(*shape), Tensor(x).reshape(list(shape))):
        np.testing.assert_array_equal(y.data, expected)
    assert gradcheck(lambda t: t.reshape(shape), [x])


def test_reshape_to_and_from_a_single_number():
    x = distinct((1, 1))
    assert Tensor(x).reshape(()).shape == Tensor(x).reshape().shape == ()
    assert gradcheck(lambda t: t.reshape(()).reshape(1, 1, 1), [x])


def test_reshape_keeps_row_major_order_of_a_transposed_tensor():
    x = distinct((3, 4))
    np.testing.assert_array_equal(Tensor(x).T.reshape(12).data, x.T.reshape(12))
    assert gradcheck(lambda t: t.T.reshape(2, 6), [x])


def test_reshape_to_another_size_fails():
    with pytest.raises(ValueError, match="reshape"):
        Tensor(np.zeros(6)).reshape(4)


@pytest.mark.parametrize("axes", [(2, 0, 1), (0, 2, 1), (-1, 0, 1), (0, 1, 2), (1, -3, 2)])
def test_transpose(axes):
    x = distinct((2, 3, 4))
    for y in (Tensor(x).transpose(axes), Tensor(x).transpose(*axes), Tensor(x).transpose(list(axes))):
        np.testing.assert_array_equal(y.data, x.transpose(axes))
    assert gradcheck(lambda t: t.transpose(axes), [x])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 2, 2)])
def test_transpose_without_axes_reverses_them(shape):
    x = distinct(shape)
    for y in (Tensor(x).transpose(), Tensor(x).transpose(None), Tensor(x).transpose(()), Tensor(x).T):
        np.testing.assert_array_equal(y.data, x.T)
    assert gradcheck(lambda t: t.T, [x])


@pytest.mark.parametrize("axes", [(0, 3), (0,), (0, 0), (0, 1, 2), (-3, 0)])
def test_wrong_axes_are_named(axes):
    with pytest.raises(ValueError, match=r"transpose: axes must name each of the 2 axes of shape \(2, 3\) once, got"):
        Tensor(np.zeros((2, 3))).transpose(axes)
