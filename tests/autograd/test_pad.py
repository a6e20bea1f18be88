"""Padding with a constant."""

import numpy as np
import pytest

from minunet import Tensor, gradcheck
from minunet import functional as F
from tests.sample_arrays import distinct


@pytest.mark.parametrize(
    "width", [0, 2, (1, 2), ((1, 0), (0, 2), (3, 1)), [[0, 0], [1, 1], [2, 2]], np.ones((3, 2), int), ((1, 2),)]
)
def test_values_and_gradients(width):
    x = distinct((2, 3, 1))
    np.testing.assert_array_equal(Tensor(x).pad(width).data, np.pad(x, width))
    np.testing.assert_array_equal(F.pad(x, width, value=-1.5).data, np.pad(x, width, constant_values=-1.5))
    assert gradcheck(lambda t: t.pad(width, 0.5), [x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    x = Tensor(np.ones((2, 3), dtype), requires_grad=True)
    y = x.pad(1, np.float64(0.1))
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


def test_empty_tensors_and_infinite_values():
    assert F.pad(np.zeros((0, 2)), ((1, 1), (0, 0))).shape == (2, 2)
    assert F.pad([1.0], 1, -np.inf).data.tolist() == [-np.inf, 1, -np.inf]
    assert gradcheck(lambda t: t.pad(1), [np.zeros((0, 2))])


@pytest.mark.parametrize("width", [-1, 1.0, ((1, 1), (1, 1), (1, 1)), "1", None, ((1,), (1, 2)), ((1, -1), (0, 0))])
def test_widths_that_do_not_fit(width):
    with pytest.raises(
        ValueError, match=r"pad: pad_width must be whole numbers .* such as \(\(0, 0\), \(1, 1\)\), got"
    ):
        Tensor(np.zeros((2, 3))).pad(width)
