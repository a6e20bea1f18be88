"""Indexing as in NumPy: values, gradients, views, and what is refused."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, gradcheck
from tests.sample_arrays import distinct

MASK = np.random.default_rng(0).random((3, 4)) > 0.5
KEYS = {
    "number": 1,
    "negative": -1,
    "NumPy number": np.int64(2),
    "numbers": (1, 2, 3),
    "slice": slice(1, None),
    "steps": (slice(None, None, 2), slice(None, None, -1)),
    "ellipsis": (..., 1),
    "new axes": (None, 0, ..., None),
    "nothing": (),
    "empty slice": slice(3, 3),
    "rows": [2, 0],
    "rows several times": np.array([0, 2, 0, 0]),
    "negative rows": np.array([-1, 0, -1]),
    "unsigned rows": np.array([0, 2], np.uint8),
    "grid of rows": np.array([[0, 1], [1, 1]]),
    "pairs": (np.array([0, 2, 0]), [1, 1, 1]),
    "pairs across": (np.array([[0], [2]]), slice(None), np.array([1, 1])),
    "range": range(2),
    "no rows": [],
    "mask of all axes": distinct((3, 4, 5)) > 0,
    "mask of the first axes": MASK,
    "mask of one axis": (slice(None), np.array([True, False, False, True])),
    "list of booleans": [True, False, True],
    "mask and numbers": ([True, False, True], [1, 1]),
    "mask of nothing": np.zeros((3, 4), bool),
    "True": True,
    "False": False,
}


@pytest.mark.parametrize("name", KEYS)
def test_values_and_gradients(name):
    x, key = distinct((3, 4, 5)), KEYS[name]
    y = Tensor(x)[key]
    np.testing.assert_array_equal(y.data, x[key])
    assert isinstance(y.data, np.ndarray)
    assert gradcheck(lambda t: t[key], [x])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("key", [1, [0, 0, 1], MASK[0, :3]])
def test_dtype_is_kept(key, dtype):
    x = Tensor(distinct((3, 2), dtype=dtype), requires_grad=True)
    y = x[key]
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


def test_an_element_that_is_chosen_often_keeps_its_digits():
    x = Tensor(np.zeros(2, np.float32), requires_grad=True)
    x[np.zeros(300_000, int)].backward(np.full(300_000, 0.1, np.float32))
    np.testing.assert_allclose(x.grad, [30_000, 0], rtol=1e-6)


def test_a_single_number_and_rows_of_a_matrix():
    x = Tensor(np.array(2.0), requires_grad=True)
    (x[()] * x[...] * x[None].sum()).backward()
    assert x.grad == 12
    rows = Tensor(distinct((2, 3)), requires_grad=True)
    first, second = rows
    (first * 2.0 + second).sum().backward()
    np.testing.assert_array_equal(rows.grad, [[2, 2, 2], [1, 1, 1]])


def test_a_number_has_nothing_to_iterate_over():
    with pytest.raises(TypeError, match="nothing to iterate"):
        iter(Tensor(1.0))


def test_the_same_elements_used_twice_add_their_gradients():
    x = Tensor(distinct((4, 3)), requires_grad=True)
    (x[1:] - x[:-1]).sum().backward()
    np.testing.assert_array_equal(x.grad, [[-1] * 3, [0] * 3, [0] * 3, [1] * 3])


def test_a_slice_is_a_view_and_shares_the_changes():
    x = Tensor(distinct((4, 3)), requires_grad=True)
    y = x[1:]
    assert np.shares_memory(y.data, x.data)
    loss = (y * y).sum()
    x.data += 1
    with pytest.raises(RuntimeError, match="was changed after the forward pass"):
        loss.backward()


def test_an_index_may_be_changed_afterwards():
    x, rows = Tensor(distinct((3, 2)), requires_grad=True), np.array([0, 1])
    y = x[rows].sum()
    rows[:] = 2
    y.backward()
    np.testing.assert_array_equal(x.grad, [[1, 1], [1, 1], [0, 0]])


def test_an_empty_tensor():
    assert Tensor(np.zeros((0, 3)))[:, 1].shape == (0,)
    assert gradcheck(lambda t: t[[], :2], [np.zeros((0, 3))])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (3, r"a tensor of shape \(3, 4\) has no such elements: index 3 is out of bounds for axis 0"),
        ([0, 7], r"a tensor of shape \(3, 4\) has no such elements: index 7 is out of bounds"),
        ((0, 0, 0), r"a tensor of shape \(3, 4\) has no such elements: too many indices"),
        (np.ones((2, 4), bool), r"a tensor of shape \(3, 4\) has no such elements: boolean index did not match"),
        (([0, 1], [0, 1, 2]), r"a tensor of shape \(3, 4\) has no such elements: shape mismatch"),
        (1.0, r"an index holds whole numbers, slices, .*, got 1\.0"),
        ([0.5], r"an index holds whole numbers"),
        ("name", r"an index holds whole numbers, slices, .*, got 'name'"),
        (Tensor([1.0]), r"a Tensor holds float32: compare it, such as x\[x > 0\], or pass x\.data\.astype\(int\)"),
    ],
)
def test_what_is_no_index(key, message):
    with pytest.raises(IndexError, match=message):
        Tensor(np.zeros((3, 4)))[key]


def test_elements_are_not_assigned_to():
    with pytest.raises(TypeError, match=r"use minunet\.where"):
        Tensor([1.0])[0] = 2


def test_no_grad():
    x = Tensor([1.0], requires_grad=True)
    with minunet.no_grad():
        assert not x[0].requires_grad
