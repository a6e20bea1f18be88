"""Values that a backward pass reads and that were changed since the forward pass: refused, not used."""

import numpy as np
import pytest

from minunet import Tensor, UNet, describe, optim
from minunet import functional as F
from minunet.autograd.recompute import recompute
from minunet.nn.module import Parameter
from tests.sample_arrays import distinct

CHANGED = "was changed after the forward pass"


def two_losses(optimizer):
    model = UNet(base_channels=2, depth=1)
    steps = optimizer(model.parameters())
    x = np.ones((1, 8, 8, 1), np.float32)
    first, second = (F.binary_cross_entropy_with_logits(model(x), np.full(x.shape, t)) for t in (0.0, 1.0))
    first.backward()
    return model, steps, second


class InPlace(optim.Optimizer):
    """An optimizer of somebody's own, which writes into the arrays."""

    def step(self):
        for k in self._begin():
            np.subtract(self.params[k].data, self.params[k].grad, out=self.params[k].data)


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.Adam,
        lambda p: optim.SGD(p, 0.1),
        lambda p: optim.SGD(p, 0.1, momentum=0.9),
        lambda p: InPlace(p, 0.1, ()),
    ],
)
def test_an_optimizers_step_between_two_losses(optimizer):
    model, steps, second = two_losses(optimizer)
    steps.step()
    before = [p.grad.copy() for p in model.parameters()]
    with pytest.raises(RuntimeError, match=f"backward of Conv2d: its input 1 {CHANGED}"):
        second.backward()
    for p, grad in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.grad, grad)  # nothing was added in part


def test_loading_a_state_between_them():
    model, _, second = two_losses(optim.Adam)
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match=CHANGED):
        second.backward()


def test_what_changes_nothing_is_no_error():
    model, _, second = two_losses(optim.Adam)
    model.to("cpu")
    describe(model, (1, 8, 8, 1))
    second.backward()


def assign(x):
    x.data = x.data + 1


def add(x):
    x.data += 1


@pytest.mark.parametrize("change", [assign, add])
@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * x,
        lambda x: x @ np.ones((3, 2)) + (x @ x.transpose()).sum(),
        lambda x: x.transpose() * x.transpose(),  # saves a view
        lambda x: x.reshape(9).detach() * x.reshape(9),
        lambda x: F.linear(x, x),
        lambda x: F.binary_cross_entropy_with_logits(x, np.ones((3, 3))),
        lambda x: F.cross_entropy(x, [0, 1, 2]),
        lambda x: F.conv2d(x.reshape(1, 3, 3, 1), x.reshape(3, 3, 1, 1)),
        lambda x: recompute(lambda t: t * 2.0, [x], []),
    ],
)
def test_every_way_to_save_an_input(operation, change):
    x = Tensor(distinct((3, 3)), requires_grad=True)
    y = operation(x).sum()
    change(x)
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("operation", [F.relu, F.tanh, F.sigmoid, F.softmax])
def test_an_output_that_was_saved(operation):
    x = Tensor(distinct((3, 3)), requires_grad=True)
    y = operation(x)
    y.data += 1
    with pytest.raises(RuntimeError, match=f"its output {CHANGED}"):
        y.sum().backward()


@pytest.mark.parametrize("loss", [F.binary_cross_entropy_with_logits, F.dice_loss])
def test_a_target_that_was_saved(loss):
    x, target = Tensor(distinct((3, 3)), requires_grad=True), Tensor(np.ones((3, 3)))
    y = loss(x, target)
    target.data *= 0
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_parameters_that_a_recomputed_part_reads_again():
    w = Parameter(np.ones(3))
    y = recompute(lambda t: t + w, [Tensor(np.ones(3))], [w]).sum()
    w.data += 1
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_what_is_not_read_may_change():
    x, w = Tensor(np.ones(3), requires_grad=True), Parameter(np.ones(3))
    y = (F.relu(x + w) * 2.0).sum()
    x.data += 1
    w.data += 1
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


def test_the_tensor_that_detach_gives_shares_the_changes():
    x = Tensor(np.ones(3), requires_grad=True)
    y = (x * x).sum()
    x.detach().data += 1
    with pytest.raises(RuntimeError, match=CHANGED):
        y.backward()


def test_data_of_another_shape_or_dtype_does_not_take_the_gradient():
    for data in (np.ones(4), np.ones(3, np.float32)):
        x = Tensor(np.ones(3), requires_grad=True)
        y = (x + 1.0).sum()
        x.data = data
        with pytest.raises(RuntimeError, match="which was given other data since the forward pass; run it again"):
            y.backward()


def test_an_activation_is_not_kept_in_memory_for_it():
    x = Tensor(np.ones(3), requires_grad=True)
    y = x * 2.0
    assert not any(isinstance(value, (Tensor, np.ndarray)) for item in y.creator._values_to_read for value in item)
