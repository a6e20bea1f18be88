"""What every optimizer checks before it changes anything: gradients that do not fit, and states that do not fit."""

import numpy as np
import pytest

from minunet import Tensor, optim


def one_step(optimizer):
    for k, p in enumerate(optimizer.params):
        p.grad = np.full(p.shape, k + 1.0, p.dtype)
    optimizer.step()
    return optimizer


def parameters():
    return [Tensor(np.ones((2, 3), np.float32), requires_grad=True), Tensor(np.ones(3, np.float32), requires_grad=True)]


OPTIMIZERS = {
    "Adam": lambda: optim.Adam(parameters()),
    "SGD": lambda: optim.SGD(parameters(), 0.1),
    "momentum": lambda: optim.SGD(parameters(), 0.1, momentum=0.5),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("grad", "message"),
    [
        (np.ones((1, 3), np.float32), r"params\[0\] has shape \(2, 3\), but its gradient has \(1, 3\)"),
        (np.ones((), np.float32), r"but its gradient has \(\)"),
        (np.float32(1), "not an array but float32"),
        ([[1, 2, 3], [4, 5, 6]], "not an array but list"),
        (np.ones((2, 3), complex), "a gradient of complex128, which is not a floating-point type"),
        (np.ma.ones((2, 3)), "a masked array as its gradient"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused_before_anything_is_updated(name, grad, message):
    optimizer = one_step(OPTIMIZERS[name]())
    before = {**optimizer.state_dict(), "values": [p.data.copy() for p in optimizer.params]}
    optimizer.params[0].grad = grad
    with pytest.raises(ValueError, match=rf"step: params\[0\].*{message}|step: {message}"):
        optimizer.step()
    after = {**optimizer.state_dict(), "values": [p.data for p in optimizer.params]}
    np.testing.assert_equal(after, before)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lr", np.inf, "lr must be a positive number or 0, got inf"),
        ("lr", -1.0, "lr must be"),
        ("lr", "fast", "lr must be a number, got 'fast'"),
        ("lr", 1j, "lr must be a number"),
        ("lr", np.nan, "lr must be"),
        ("step", -1, "step must be a whole number of at least 0, got -1"),
        ("step", 1.5, "step must be a whole number"),
        ("step", np.nan, "step must be a whole number"),
        ("updates", np.array([5, 1]), "updates must be between 0 and step, 1"),
        ("updates", np.array([0.5, 1]), "updates does not hold whole numbers"),
        ("updates", [1], r"updates has shape \(1,\), expected \(2,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_not_loaded_in_part(name, key, value, message):
    optimizer = OPTIMIZERS[name]()
    before = optimizer.state_dict()
    state = {**one_step(OPTIMIZERS[name]()).state_dict(), key: value}
    with pytest.raises(ValueError, match=f"load_state_dict: .*{message}"):
        optimizer.load_state_dict(state)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("exp_avg.1", np.full(3, 1e300), "exp_avg.1 holds numbers too large for float32"),
        ("exp_avg.1", np.ones(3, complex), "exp_avg.1 does not hold real numbers but complex128"),
        ("exp_avg.1", np.ma.ones(3), "exp_avg.1 is a masked array"),
        ("exp_avg.1", [[1], [2, 3]], "exp_avg.1 is not an array"),
        ("exp_avg_sq.0", np.full((2, 3), -1.0), "exp_avg_sq.0 holds negative numbers"),
        ("beta1", 1.0, r"beta1 must be in \[0, 1\), got 1.0"),
        ("eps", -1.0, "eps must be"),
    ],
)
def test_adams_arrays_are_checked_before_one_is_loaded(name, value, message):
    optimizer = OPTIMIZERS["Adam"]()
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict({**one_step(OPTIMIZERS["Adam"]()).state_dict(), name: value})
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_momentum_does_not_go_into_an_sgd_without_it():
    plain = OPTIMIZERS["SGD"]()
    with pytest.raises(ValueError, match="momentum is 0.5, but this SGD was made without momentum"):
        plain.load_state_dict({**plain.state_dict(), "momentum": 0.5})
    with pytest.raises(ValueError, match=r"velocity.0 is not part of this optimizer"):
        plain.load_state_dict(one_step(OPTIMIZERS["momentum"]()).state_dict())
    one_step(plain)


@pytest.mark.parametrize("state", [None, [1], "text"])
def test_a_state_is_a_mapping(state):
    with pytest.raises(ValueError, match="must map names"):
        OPTIMIZERS["Adam"]().load_state_dict(state)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_of_a_subclass_is_a_plain_array(name):
    """Of matrices the product would be a matrix product."""
    one, other = (
        [Tensor(np.arange(1.0, 5).reshape(2, 2), requires_grad=True)],
        [Tensor(np.arange(1.0, 5).reshape(2, 2), requires_grad=True)],
    )
    for params, kind in ((one, np.ndarray), (other, np.matrix)):
        optimizer = type(OPTIMIZERS[name]())(params, 0.1, **({"momentum": 0.5} if name == "momentum" else {}))
        for _ in range(2):
            params[0].grad = np.array([[1.0, 2], [3, -4]]).view(kind)
            optimizer.step()
    np.testing.assert_array_equal(one[0].data, other[0].data)


@pytest.mark.parametrize(
    "make",
    [
        lambda params: optim.Adam(params, 0.1, weight_decay=0.1),
        lambda params: optim.SGD(params, 0.1),
        lambda params: optim.SGD(params, 0.1, 0.9),
    ],
)
def test_a_step_of_all_parts_is_a_step(make):
    def optimizer():
        rng = np.random.default_rng(0)
        return make([Tensor(rng.standard_normal(shape), requires_grad=True) for shape in [(3, 4), (5,), ()]])

    whole, parted = optimizer(), optimizer()
    parts = [(0, slice(0, 7)), (0, slice(7, 12)), (1, slice(0, 5)), (2, slice(0, 1))]
    for time in range(3):
        whole.lr = parted.lr = 0.1 / (1 + time)
        rng = np.random.default_rng(time)
        for p in whole.params:
            p.grad = np.asarray(rng.standard_normal(p.shape))
        parted.step_parts(parts, [whole.params[k].grad.reshape(-1)[part].copy() for k, part in parts])
        whole.step()
    for one, other in zip(whole.params, parted.params, strict=True):
        assert np.array_equal(one.data, other.data)
        assert other.changes.count > 0
    state = parted.state_dict()
    assert all(np.array_equal(value, state[key]) for key, value in whole.state_dict().items())


def test_a_step_of_parts_changes_these_only_and_counts():
    optimizer = optim.Adam([Tensor(np.zeros(6), requires_grad=True), Tensor(np.zeros(2), requires_grad=True)], 0.5)
    optimizer.step_parts([(0, slice(2, 4))], [np.ones(2)])
    assert optimizer.params[0].data[2:4].tolist() == pytest.approx([-0.5, -0.5])
    assert np.count_nonzero(optimizer.params[0].data) == 2 and not optimizer.params[1].data.any()
    assert optimizer.steps == 1 and optimizer.updates.tolist() == [1, 1]


def test_an_optimizer_whose_step_may_mix_values_has_no_step_of_parts():
    class Normalised(optim.SGD):
        def step(self):
            raise AssertionError

    optimizer = Normalised([Tensor(np.zeros(6), requires_grad=True)], 0.5)
    with pytest.raises(ValueError, match="Normalised does not update parts"):
        optimizer.step_parts([(0, slice(2, 4))], [np.ones(2)])
