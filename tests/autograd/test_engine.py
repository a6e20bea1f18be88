"""The backward pass: long and wide graphs, gradients that add up and share no memory, clear errors."""

import numpy as np
import pytest

from minunet import Tensor
from minunet import functional as F
from minunet.autograd import Function
from minunet.autograd.engine import backpropagate
from tests.sample_arrays import distinct


def leaf(values, dtype=np.float64):
    return Tensor(np.array(values, dtype), requires_grad=True)


def test_gradients_of_several_backward_passes_add_up_until_set_to_none():
    x = leaf([1.0, 2.0])
    for _ in range(3):
        (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [6, 12])
    x.grad = None
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_only_leaves_that_ask_for_it_get_a_gradient():
    x, constant = leaf([1.0]), Tensor(np.ones(1))
    y = x * constant
    z = y * y
    z.backward()
    assert x.grad is not None
    assert constant.grad is y.grad is z.grad is None


def test_a_leaf_is_its_own_root():
    x = leaf([1.0, 2.0])
    x.backward([3.0, 4.0])
    x.backward(np.array([1.0, 1.0]))
    np.testing.assert_array_equal(x.grad, [4, 5])


@pytest.mark.parametrize("grad", [[1.0, -2.0], np.array([1, -2]), np.array([1, -2], np.float32), Tensor([1.0, -2.0])])
def test_the_first_gradient_may_be_a_list_an_array_or_a_tensor(grad):
    x = leaf([3.0, 4.0])
    (2 * x).backward(grad)
    np.testing.assert_array_equal(x.grad, [2, -4])
    assert x.grad.dtype == np.float64


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_a_single_element_needs_no_first_gradient(shape):
    x = leaf(np.full(shape, 3.0))
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, np.full(shape, 6.0))


def test_refusals():
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"starts from a single number, but this tensor has shape \(2,\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"grad has shape \(3,\), the tensor has \(2,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="requires no gradient"):
        Tensor([1.0]).backward()
    with pytest.raises(RuntimeError, match="requires no gradient"):
        (Tensor([1.0]) * 2).backward()


OPERATIONS = {
    "add": lambda x: x + x,
    "multiply": lambda x: x * x,
    "transpose": lambda x: x.transpose(),
    "reshape": lambda x: x.reshape(-1),
    "sum": lambda x: x.sum(0),
    "relu": F.relu,
    "sum_pool2d": F.sum_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "max_pool2d": F.max_pool2d,
    "upsample2d": F.upsample2d,
    "pad_or_crop": lambda x: F.pad_or_crop(x, 3),
    "concat": lambda x: F.concat([x, x]),
    "softmax": F.softmax,
    "dropout": lambda x: F.dropout(x, 0.5, np.random.default_rng(0), True),
    "dice_loss": lambda x: F.dice_loss(x, np.ones(x.shape)),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, np.ones(x.shape)),
    "cross_entropy": lambda x: F.cross_entropy(x, np.zeros(x.shape[:-1], int)),
    "conv2d": lambda x: F.conv2d(x, np.ones((1, 1, 2, 2))),
    "linear": lambda x: F.linear(x, np.ones((2, 2))),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_backward_runs_once_through_a_graph(name):
    x = Tensor(distinct((1, 4, 4, 2)), requires_grad=True)
    y = OPERATIONS[name](x)
    grad = np.ones(y.shape)
    y.backward(grad)
    first = x.grad.copy()
    with pytest.raises(
        RuntimeError, match="already run through part of this graph and freed its memory; run the forward pass again"
    ):
        y.backward(grad)
    np.testing.assert_array_equal(x.grad, first)


def test_a_graph_that_shares_a_used_part_is_refused_before_any_gradient_changes():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    shared = x * 2
    one, other = shared.sum(), (shared * w).sum()
    one.backward()
    with pytest.raises(RuntimeError, match="already run through part of this graph"):
        other.backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
    assert w.grad is None


def test_a_chain_of_5000_operations():
    x = leaf(1.0)
    y = x
    for k in range(5000):
        y = y + 1.0 if k % 2 else y * 1.0
    y.backward()
    assert x.grad == 1


def test_an_unused_chain_of_30000_operations_is_forgotten_without_recursion():
    y = leaf(1.0)
    for _ in range(30_000):
        y = y * 1.0
    del y


def test_sixteen_doublings():
    x = leaf([1.0, 0.5])
    y = x
    for _ in range(16):
        y = y + y
    y.backward(np.ones(2))
    np.testing.assert_array_equal(x.grad, 2**16)


def test_doublings_by_concatenation_and_products():
    x = leaf([1.01])
    y = x
    for _ in range(8):
        y = F.concat([y, y])
    y.sum().backward()
    assert x.grad == 2**8
    x.grad = None
    z = x
    for _ in range(5):
        z = z * z
    z.backward()
    assert x.grad[0] == pytest.approx(32 * 1.01**31)


def test_a_tensor_used_many_times_in_many_places():
    x = leaf([2.0, 3.0])
    y = x * x  # used three times below
    z = y * x + y - y * 3.0 + x / y
    z.sum().backward()
    # x^3 + x^2 - 3 x^2 + 1/x
    np.testing.assert_allclose(x.grad, 3 * x.data**2 - 4 * x.data - 1 / x.data**2)


def test_every_operation_waits_for_all_the_gradients_that_reach_it():
    """A diamond whose sides have different lengths: a depth-first search without order would visit y twice."""
    x = leaf(3.0)
    y = x * x
    long = y
    for _ in range(10):
        long = long * 1.0
    (y + long * y).backward()  # x^2 + x^4
    assert x.grad == pytest.approx(2 * 3 + 4 * 27)


def arrays_of(*tensors):
    return [t.grad for t in tensors] + [t.data for t in tensors]


@pytest.mark.parametrize(
    "combine",
    [
        lambda a, b: a + b,  # one array for two inputs
        lambda a, b: a - b,
        lambda a, b: F.concat([a, b]),  # views of one array
        lambda a, b: F.concat([a.reshape(-1), b.T.reshape(-1)]),
        lambda a, b: (a + b) + (b + a),
        lambda a, b: (a + b).reshape(-1),
        lambda a, b: (a + b).transpose(),
        lambda a, b: F.conv2d((a.reshape(1, 2, 2, 1), b.reshape(1, 2, 2, 1)), np.ones((1, 1, 2, 1))),
        lambda a, b: F.conv2d((a.reshape(1, 1, 1, 4), b.reshape(1, 1, 1, 4)), np.ones((1, 1, 8, 1))),
    ],
)
def test_gradients_alias_neither_each_other_nor_the_users_array(combine):
    a, b = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    y = combine(a, b)
    grad = np.ones(y.shape)
    y.backward(grad)
    every = [grad, *arrays_of(a, b)]
    for k, one in enumerate(every):
        assert not any(np.shares_memory(one, other) for other in every[k + 1 :])
    before = b.grad.copy()
    a.grad += 1  # what gradient clipping does
    np.testing.assert_array_equal(b.grad, before)
    np.testing.assert_array_equal(grad, 1)


def test_a_second_walk_does_not_write_into_the_first_ones_inputs():
    x = leaf([1.0, 2.0])
    grad = np.ones(2)
    for _ in range(3):
        x.backward(grad)
        (x + x).backward(grad)
    np.testing.assert_array_equal(grad, 1)
    np.testing.assert_array_equal(x.grad, 9)


def test_accumulating_three_gradients_does_not_write_into_an_operations_output():
    """The second sum belongs to the backward pass and may be written in place; the first gradient may not."""

    x = leaf([1.0, 2.0])
    y = x * 1.0
    grad = np.array([1.0, 10.0])
    F.concat([(y + y).reshape(1, 2), y.reshape(1, 2), y.reshape(1, 2)], axis=0).backward(np.stack([grad] * 3))
    np.testing.assert_array_equal(x.grad, 4 * grad)


class Copied(Function):
    """Passes on a copy of its gradient, and keeps both for a test to look at."""

    returns_fresh_arrays = True

    def __init__(self, seen):
        self.seen = seen

    def forward(self, x):
        self.save()
        return x.copy()

    def backward(self, grad_output):
        self.seen.append((grad_output, grad_output.copy()))
        return (self.seen[-1][1],)


@pytest.mark.parametrize("fresh_first", [True, False])
def test_a_fresh_gradient_takes_up_the_other_without_another_array(fresh_first):
    """As at a skip of a U-Net: both gradients are large, and one of the arrays can hold the sum."""
    x, seen = leaf(np.ones((2, 3))), []
    y = Copied(seen).apply(x)
    parts = [Copied(seen).apply(y).reshape(1, 2, 3), y.reshape(1, 2, 3)]
    grad = np.stack([np.full((2, 3), 5.0), np.arange(6.0).reshape(2, 3)])
    before = grad.copy()
    F.concat(parts if fresh_first else parts[::-1], axis=0).backward(grad if fresh_first else grad[::-1])
    (_, made), (total, _) = seen
    assert np.shares_memory(total, made)
    np.testing.assert_array_equal(x.grad, before.sum(axis=0))
    np.testing.assert_array_equal(grad, before)


def test_a_fresh_gradient_of_two_that_are_not_is_safe():
    """Views returned by concat and the gradient of a ReLU are added, and no array of the caller is written."""
    x = leaf([1.0, 2.0])
    grad = np.array([[1.0, 10.0], [100.0, 1000.0], [5.0, 7.0]])
    before = grad.copy()
    y = x * 1.0
    F.concat([y.reshape(1, 2), F.relu(y).reshape(1, 2), y.reshape(1, 2)], axis=0).backward(grad)
    np.testing.assert_array_equal(grad, before)
    np.testing.assert_array_equal(x.grad, before.sum(axis=0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_leaf_gradients_are_c_ordered_writable_and_of_the_leafs_dtype(dtype):
    x = Tensor(np.ones((3, 4), dtype), requires_grad=True)
    for y in (x.T.sum(), x.sum(), F.relu(x.T) @ np.ones((3, 2), dtype), x.T * 2.0, x.mean(0)):
        x.grad = None
        y.backward(np.ones(y.shape))
        assert x.grad.flags.c_contiguous
        assert x.grad.flags.writeable
        assert x.grad.dtype == dtype
    turned = Tensor(np.asfortranarray(np.full((3, 4), 0.5, dtype)), requires_grad=True)
    F.binary_cross_entropy(
        turned, np.ones_like(turned.data)
    ).backward()  # its own gradient is in columns, as both inputs
    assert turned.grad.flags.c_contiguous


def test_a_leaf_turned_on_and_off():
    x = leaf([1.0])
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad = True
    (x * 2).backward()
    assert x.grad == 2


def test_a_leaf_is_complete_once_its_last_gradient_has_come():
    x, w, unused = (Tensor([2.0], requires_grad=True) for _ in range(3))
    y = (x * w) * w + x * 1.0
    seen = []
    backpropagate(y.creator, np.ones(1, np.float32), lambda leaf: seen.append((leaf is w, leaf.grad.tolist())))
    assert sorted(seen) == [(False, [5.0]), (True, [8.0])] and unused.grad is None
