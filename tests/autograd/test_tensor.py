"""Tensors: from which data they are made, what they keep, and their repr."""

import copy
import pickle

import numpy as np
import pytest

import minunet
from minunet import Tensor
from minunet.autograd.operators import ELSEWHERE
from minunet.functional import relu
from minunet.nn import Parameter
from tests.sample_arrays import distinct


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, np.float32),
        (3, np.float32),
        (True, np.float32),
        ([1.0, 2.0], np.float32),
        (((1, 2), (3, 4)), np.float32),
        ([], np.float32),
        (np.arange(3), np.float32),
        (np.array([True, False]), np.float32),
        (np.uint8(7), np.float32),
        (np.float32(1.5), np.float32),
        (np.float64(1.5), np.float64),
        (np.zeros(2, np.float16), np.float16),
        (np.zeros(2, np.float32), np.float32),
        (np.zeros((2, 3)), np.float64),
        ([np.zeros(2), np.ones(2)], np.float64),
        ([[np.float64(1)], [np.float64(2)]], np.float64),
    ],
)
def test_floating_arrays_keep_their_dtype_and_all_else_is_float32(data, dtype):
    tensor = Tensor(data)
    assert tensor.dtype == tensor.data.dtype == dtype
    assert isinstance(tensor.data, np.ndarray)
    np.testing.assert_array_equal(tensor.data, np.asarray(data, dtype=dtype))
    assert tensor.shape == np.shape(data)
    assert tensor.ndim == np.ndim(data)
    assert tensor.size == np.size(data)
    assert tensor.grad is None
    assert not tensor.requires_grad


@pytest.mark.parametrize("data", [None, "1.5", ["a"], 1j, np.zeros(2, complex), object(), [None, 1.0]])
def test_data_that_is_not_numeric_is_refused(data):
    with pytest.raises(TypeError, match="a Tensor holds real numbers, got"):
        Tensor(data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_in_the_other_byte_order_are_converted(dtype):
    values = np.arange(6.0, dtype=dtype).reshape(2, 3)
    x = Tensor(values.astype(values.dtype.newbyteorder()), requires_grad=True)
    assert x.dtype.isnative and x.dtype == dtype and np.array_equal(x.data, values)
    relu(x * x).sum().backward()
    assert x.grad.dtype == dtype and np.array_equal(x.grad, 2 * values)


def test_an_array_is_not_copied_and_a_tensor_shares_its_array():
    array = np.ones((2, 3), np.float32)
    tensor = Tensor(array, requires_grad=True)
    assert tensor.data is array
    assert Tensor(tensor).data is array
    assert not Tensor(tensor).requires_grad


def test_detach_shares_memory_and_forgets_history():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    detached = y.detach()
    assert detached.data is y.data
    assert not detached.requires_grad
    assert detached.is_leaf
    (detached * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])  # as if the factor were a constant


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_a_single_element_is_a_python_number(shape):
    tensor = Tensor(np.full(shape, 2.5))
    assert type(tensor.item()) is float
    assert tensor.item() == float(tensor) == 2.5
    assert bool(tensor)
    assert not bool(Tensor(np.zeros(shape)))


def test_several_elements_are_not():
    for convert in (Tensor.item, float, bool):
        with pytest.raises(ValueError, match="element|scalar"):
            convert(Tensor([1.0, 2.0]))


def test_len_counts_the_first_axis():
    assert len(Tensor(np.zeros((3, 2)))) == 3
    with pytest.raises(TypeError):
        len(Tensor(1.0))


def test_repr_shows_values_dtype_and_whether_a_gradient_is_wanted():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.], dtype=float32)"
    assert repr(Tensor(np.array(1.0), requires_grad=True)) == "Tensor(1., dtype=float64, requires_grad=True)"
    assert repr(Parameter([1.0])) == "Parameter([1.], dtype=float32, requires_grad=True)"
    assert repr(Tensor(np.zeros((0, 3)))) == "Tensor([], shape=(0, 3), dtype=float64)"


def test_many_values_are_told_in_one_line():
    values = np.arange(2000.0).reshape(20, 100)
    assert repr(Tensor(values)) == "Tensor(shape=(20, 100), values 0 to 1999, mean 999.5, dtype=float64)"
    values[0, :3] = [np.nan, np.inf, -np.inf]
    assert "values 3 to 1999, mean 1001, 1 NaN, 2 infinite," in repr(Tensor(values))
    assert repr(Tensor(np.full(2000, np.nan))) == "Tensor(shape=(2000,), 2,000 NaN, dtype=float64)"


def test_tensors_can_be_keys_and_members():
    a, b = Tensor([1.0]), Tensor([1.0])
    assert {a: "a", b: "b"}[a] == "a"
    assert a in {b, a}
    assert a not in {b}  # sets and dictionaries look for the object
    assert a in [b]  # lists compare, as with PyTorch's tensors


def test_a_name_of_pytorch_leads_to_ours():
    x = Tensor([1.0])
    with pytest.raises(AttributeError, match=r"a Tensor has no 'clamp'; use x.clip\(min, max\)"):
        x.clamp(0, 1)
    with pytest.raises(AttributeError, match="a Tensor has no 'foo'$"):
        x.foo  # noqa: B018
    with pytest.raises(AttributeError, match="a Parameter has no 'view'; use x.reshape"):
        Parameter([1.0]).view(1)
    assert not hasattr(x, "__array_interface__")


def test_every_remedy_for_a_foreign_name_runs():
    names = {"Tensor": Tensor, "minunet": minunet, "axis": 0, "min": 0.0, "max": 1.0, "dtype": float, "shape": (3, 2)}
    for name, remedy in ELSEWHERE.items():
        for expression in remedy.split(" or "):
            x = Tensor(distinct((2, 3)))
            exec(expression, {**names, "x": x, "y": 2.0, "axes": (1, 0)})
        assert not hasattr(Tensor, name)


def test_copies_and_pickles_keep_values_and_gradients():
    x = Tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        np.testing.assert_array_equal(twin.data, x.data)
        np.testing.assert_array_equal(twin.grad, x.grad)
        assert twin.data is not x.data
        assert twin.requires_grad


def test_numpy_functions_do_not_silently_take_a_tensor_apart():
    with pytest.raises(TypeError):
        np.exp(Tensor([1.0]))


def test_results_of_zero_axes_are_arrays_not_numpy_scalars():
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).mean()
    assert isinstance(loss.data, np.ndarray)
    assert loss.shape == ()
    scalar = Tensor(2.0, requires_grad=True)
    (scalar * scalar * scalar).backward()
    assert isinstance(scalar.grad, np.ndarray)
    assert scalar.grad.shape == ()
    assert scalar.grad == 12


def test_numpy_takes_a_tensor_as_an_array():
    x = Tensor(distinct((2, 3)))
    assert np.asarray(x).dtype == np.float64
    assert np.shares_memory(np.asarray(x), x.data)
    assert not np.shares_memory(np.array(x), x.data)
    assert np.asarray(x, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.stack([x, x]), np.stack([x.data, x.data]))
    assert Tensor([x, x]).dtype == np.float64


def test_numpy_takes_no_tensor_whose_gradient_would_end():
    x = Tensor([1.0], requires_grad=True)
    for convert in (np.asarray, np.array, lambda t: np.stack([t, t]), lambda t: Tensor([t, t])):
        with pytest.raises(RuntimeError, match=r"use tensor\.detach\(\)"):
            convert(x)
        convert(x.detach())


@pytest.mark.parametrize("make", [lambda v: Tensor(v), lambda v: Tensor([v, v]), lambda v: Tensor(np.ones(2)) * v])
def test_masked_arrays_are_refused(make):
    with pytest.raises(TypeError, match="a masked array was given, whose mask would be ignored"):
        make(np.ma.array([1.0, 2.0], mask=[False, True]))


def test_masked_arrays_are_refused_as_gradients_and_data():
    x = Tensor(np.ones(2), requires_grad=True)
    for use in ((x * 1.0).backward, lambda v: setattr(x, "data", v)):
        with pytest.raises(TypeError, match="masked array"):
            use(np.ma.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "of", [lambda v: v.view(np.matrix), lambda v: v.view(np.recarray), lambda v: v.view(type("A", (np.ndarray,), {}))]
)
def test_arrays_of_subclasses_are_plain_inside(of):
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = Tensor(of(values), requires_grad=True)
    assert type(x.data) is np.ndarray
    y = x * of(values)
    np.testing.assert_array_equal(y.data, values * values)  # not a matrix product
    y.backward(of(np.ones((2, 2))))
    assert type(x.grad) is np.ndarray
    x.data = of(values)
    assert type(x.data) is np.ndarray


def test_a_gradient_of_complex_numbers_is_refused():
    with pytest.raises(TypeError, match="real numbers"):
        (Tensor([1.0], requires_grad=True) * 1.0).backward(np.array([1j]))
