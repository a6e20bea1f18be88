"""Exponential, logarithm, square root and absolute value."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, gradcheck
from tests.sample_arrays import distinct

POSITIVE = {"low": 0.5, "high": 2}
FUNCTIONS = {"exp": (np.exp, {}), "log": (np.log, POSITIVE), "sqrt": (np.sqrt, POSITIVE), "abs": (np.abs, {})}
each_function = pytest.mark.parametrize("name", FUNCTIONS)


@each_function
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 1, 3, 2), (0, 3)])
def test_values_and_gradients(name, shape):
    function, interval = FUNCTIONS[name]
    x = distinct(shape, **interval)
    y = getattr(Tensor(x), name)()
    np.testing.assert_array_equal(y.data, function(x))
    assert isinstance(y.data, np.ndarray)
    assert gradcheck(lambda t: getattr(t, name)(), [x])


@each_function
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    x = Tensor(distinct((3, 2), dtype=dtype, low=0.5, high=2), requires_grad=True)
    y = getattr(x, name)()
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


def test_abs_of_python():
    np.testing.assert_array_equal(abs(Tensor([-1.0, 2.0])).data, [1, 2])


@each_function
def test_other_memory_orders(name):
    x = np.asfortranarray(distinct((3, 5), low=0.5, high=2))
    assert gradcheck(lambda t: getattr(t.T * 2.0, name)(), [x])


@pytest.mark.parametrize("name", ["exp", "sqrt"])
def test_an_output_that_was_saved(name):
    for shape in ((), (2,)):
        x = Tensor(np.ones(shape), requires_grad=True)
        y = getattr(x, name)()
        y.data += 1
        with pytest.raises(RuntimeError, match="its output was changed after the forward pass"):
            y.sum().backward()


@pytest.mark.parametrize("name", ["log", "abs"])
def test_an_input_that_was_saved(name):
    x = Tensor(np.ones(2), requires_grad=True)
    y = getattr(x, name)().sum()
    x.data += 1
    with pytest.raises(RuntimeError, match="its input 0 was changed after the forward pass"):
        y.backward()


@each_function
def test_nothing_is_recorded_without_gradients(name):
    x = Tensor(np.ones(2), requires_grad=True)
    with minunet.no_grad():
        assert getattr(x, name)().creator is None


def test_the_logarithm_of_zero_warns_and_is_infinite():
    x = Tensor([0.0], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        y = x.log()
    assert y.data == -np.inf
