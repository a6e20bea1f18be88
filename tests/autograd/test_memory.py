"""Which arrays the recorded operations keep in memory, and when they are freed."""

import gc
import weakref

import numpy as np

import minunet
from minunet import Tensor
from minunet import functional as F
from minunet.autograd import Function


class Watch(Function):
    """Passes its input on; in the backward pass it notes which of the watched arrays are still alive."""

    def __init__(self, watched, seen):
        self.watched, self.seen = watched, seen

    def forward(self, x):
        self.save()
        return x * 1

    def backward(self, grad_output):
        self.seen.append([reference() is not None for reference in self.watched])
        return (grad_output * 1,)


def test_what_an_operation_saved_is_freed_before_the_next_one_runs():
    gc.disable()  # reference counting must do it without the garbage collector
    try:
        x = Tensor(np.ones(1000), requires_grad=True)
        watched, seen = [], []
        y = x
        for _ in range(4):
            y = Watch(watched, seen).apply(y)
            y = F.tanh(y)  # keeps its output
            watched.append(weakref.ref(y.data))
        loss = y.sum()
        del y
        assert all(reference() is not None for reference in watched)
        loss.backward()
        assert seen == [[True] * k + [False] * (4 - k) for k in (3, 2, 1, 0)]
    finally:
        gc.enable()


def test_gradients_are_freed_as_soon_as_they_are_used():
    gc.disable()
    try:
        alive = []

        class Note(Function):
            def __init__(self, notes):
                self.notes = notes

            def forward(self, x):
                self.save()
                return x * 1

            def backward(self, grad_output):
                alive.append(sum(reference() is not None for reference in self.notes))
                grad = grad_output * 1
                self.notes.append(weakref.ref(grad))
                return (grad,)

        notes = []
        y = Tensor(np.ones(1000), requires_grad=True)
        for _ in range(5):
            y = Note(notes).apply(y)
        y.backward(np.ones(1000))
        assert alive == [0, 1, 1, 1, 1]  # only the one that is being used
    finally:
        gc.enable()


def test_a_leafs_gradient_is_not_held_beside_its_copy():
    gc.disable()
    try:
        left, alive = [], []

        class Scale(Function):
            def forward(self, x, weight):
                self.save()
                return x * weight

            def backward(self, grad_output):
                alive.append(sum(reference() is not None for reference in left))
                grads = grad_output * 1, grad_output * 2
                left.append(weakref.ref(grads[1]))
                return grads

        y = Tensor(np.ones(1000), requires_grad=True)
        for weight in [Tensor(np.ones(1000), requires_grad=True) for _ in range(3)]:
            y = Scale().apply(y, weight)
        y.backward(np.ones(1000))
        assert alive == [0, 0, 0]
    finally:
        gc.enable()


def test_a_loss_that_lives_on_holds_neither_its_target_nor_its_predictions():
    target, weight, labels = np.ones((8, 8), np.float32), np.full((8, 8), 2, np.float32), np.zeros(8, np.int64)
    x = Tensor(np.full((8, 8), 0.5, np.float32), requires_grad=True)
    for make in (
        lambda t, w, _: F.binary_cross_entropy(x * 1.0, t, w),
        lambda t, w, _: F.binary_cross_entropy_with_logits(x * 1.0, t, w),
        lambda t, *_: F.dice_loss(x * 1.0, t),
        lambda _t, _w, k: F.cross_entropy(x * 1.0, k),
    ):
        arrays = [target.copy(), weight.copy(), labels.copy()]
        watched = [weakref.ref(array) for array in arrays]
        loss = make(*arrays)
        del arrays
        loss.backward()
        assert np.isfinite(loss.item())
        assert [reference() for reference in watched] == [None] * 3
        assert loss.creator.saved == loss.creator.edges == ()
        assert not any(isinstance(value, np.ndarray) for value in vars(loss.creator).values())


def test_the_tape_keeps_no_tensor_alive_that_nothing_saved():
    x = Tensor(np.ones(10), requires_grad=True)
    middle = x + 1.0
    watched = weakref.ref(middle), weakref.ref(middle.data)
    y = middle + 1.0
    del middle
    assert [reference() for reference in watched] == [None, None]
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, 1)


def test_without_gradients_nothing_is_kept():
    x = Tensor(np.ones(10), requires_grad=True)
    with minunet.no_grad():
        y = F.tanh(x)
        watched = weakref.ref(y.data)
        z = F.tanh(y)
        del y
    assert watched() is None
    assert z.creator is None
    assert not z.requires_grad
    constant = F.tanh(F.tanh(Tensor(np.ones(10))))
    assert constant.creator is None


def test_a_training_step_leaves_no_cycles():
    model = minunet.UNet(base_channels=2, depth=1)
    x, target = np.ones((1, 4, 4, 1), np.float32), np.ones((1, 4, 4, 1), np.float32)
    gc.collect()
    gc.disable()
    try:
        F.binary_cross_entropy_with_logits(model(x), target).backward()
        assert gc.collect() == 0
    finally:
        gc.enable()
