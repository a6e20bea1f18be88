"""Optimizers, compared with steps by hand and with PyTorch; missing gradients, schedules, resuming."""

import copy

import numpy as np
import pytest
from minunet.optim import SGD, Adam

import minunet
from minunet import Tensor, nn
from tests.sample_arrays import distinct


def parameters(dtype=np.float64):
    return [nn.Parameter(distinct(shape, k, dtype=dtype)) for k, shape in enumerate([(3, 2), (4,), ()])]


def gradients(step, params):
    return [distinct(p.shape, 100 * step + k, dtype=p.dtype) for k, p in enumerate(params)]


def take(optimizer, steps, first=0, skip=()):
    for step in range(first, first + steps):
        for k, (p, g) in enumerate(zip(optimizer.params, gradients(step, optimizer.params), strict=True)):
            p.grad = None if (step, k) in skip else g
        optimizer.step()


def test_adam_by_hand():
    """Two steps on one number, Kingma and Ba's algorithm 1 with every quantity written out."""
    p = nn.Parameter(np.array([1.0]))
    optimizer = Adam([p], lr=0.1, betas=(0.9, 0.99), eps=1e-8)
    p.grad = np.array([2.0])
    optimizer.step()
    # m = 0.2, v = 0.04; corrected: 2, 4
    first = 1 - 0.1 * 2 / (4**0.5 + 1e-8)
    assert p.data[0] == pytest.approx(first, rel=1e-14)
    p.grad = np.array([-1.0])
    optimizer.step()
    m, v = 0.9 * 0.2 + 0.1 * -1, 0.99 * 0.04 + 0.01 * 1
    second = first - 0.1 * (m / (1 - 0.9**2)) / ((v / (1 - 0.99**2)) ** 0.5 + 1e-8)
    assert p.data[0] == pytest.approx(second, rel=1e-14)


def test_the_first_step_of_adam_has_the_length_lr_whatever_the_gradients_size():
    for size in (1e-4, 1.0, 1e4):
        p = nn.Parameter(np.zeros(2))
        optimizer = Adam([p], lr=0.01)
        p.grad = np.array([size, -size])
        optimizer.step()
        np.testing.assert_allclose(p.data, [-0.01, 0.01], rtol=1e-3)


def test_sgd_by_hand():
    p = nn.Parameter(np.array([1.0]))
    optimizer = SGD([p], 0.5)
    p.grad = np.array([0.4])
    optimizer.step()
    assert p.data[0] == pytest.approx(0.8)
    q = nn.Parameter(np.array([1.0]))
    heavy = SGD([q], 0.1, momentum=0.9)
    for gradient, value in ((1.0, 0.9), (1.0, 0.9 - 0.1 * 1.9), (0.0, 0.71 - 0.1 * 0.9 * 1.9)):
        q.grad = np.array([gradient])
        heavy.step()
        assert q.data[0] == pytest.approx(value)


OPTIMIZERS = {
    "Adam": ({}, {"lr": 0.01}, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    "SGD": ({"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}),
}
CASES = [(name, options) for name, several in OPTIMIZERS.items() for options in several]


@pytest.mark.parametrize("skip", [(), ((0, 1), (3, 0), (4, 2), (5, 0), (5, 1), (5, 2))], ids=["all", "with gaps"])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_against_torch(name, options, skip):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    ours = parameters()
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    optimizer = getattr(minunet.optim, name)(ours, **options)
    peer = getattr(torch.optim, name)(theirs, **options)
    for step in range(8):
        optimizer.lr = peer.param_groups[0]["lr"] = 0.1 / (step + 1)
        for k, g in enumerate(gradients(step, ours)):
            ours[k].grad = None if (step, k) in skip else g
            theirs[k].grad = None if (step, k) in skip else torch.tensor(g)
        optimizer.step()
        peer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_parameter_without_gradient_stays_as_it_is(name, options):
    params = parameters()
    optimizer = getattr(minunet.optim, name)(params, **options)
    take(optimizer, 1)
    before = [p.data.copy() for p in params]
    for p in params:
        p.grad = None
    optimizer.step()
    for p, old in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.data, old)


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_updates_are_in_place_and_keep_the_dtype(name, options, dtype):
    params = parameters(dtype)
    arrays = [p.data for p in params]
    optimizer = getattr(minunet.optim, name)(params, **options)
    optimizer.lr = np.float64(optimizer.lr)  # what a schedule computed with NumPy gives
    take(optimizer, 2)
    for p, array in zip(params, arrays, strict=True):
        assert p.data is array
        assert p.dtype == dtype
    assert all(a.dtype == dtype for group in optimizer.state.values() for a in group)


def test_a_numpy_learning_rate_gives_the_same_bits_as_a_python_one():
    ends = []
    for number in (float, np.float64):
        params = parameters(np.float32)
        optimizer = Adam(params)
        optimizer.lr = number(0.0123)
        take(optimizer, 3)
        ends.append(np.concatenate([p.data.ravel() for p in params]))
    np.testing.assert_array_equal(*ends)


def test_gradients_are_left_as_they_were():
    params = parameters()
    optimizer = Adam(params, weight_decay=0.1)
    take(optimizer, 1)
    for p, g in zip(params, gradients(0, params), strict=True):
        np.testing.assert_array_equal(p.grad, g)


def test_zero_grad():
    params = parameters()
    optimizer = SGD(params, 0.1)
    take(optimizer, 1)
    optimizer.zero_grad()
    assert all(p.grad is None for p in params)


@pytest.mark.parametrize("skip", [(), ((1, 0), (4, 2))])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_resuming_is_the_same_as_not_having_stopped_bit_for_bit(name, options, skip):
    build = getattr(minunet.optim, name)
    straight = build(parameters(np.float32), **options)
    take(straight, 7, skip=skip)
    stopped = build(parameters(np.float32), **options)
    take(stopped, 3, skip=skip)
    state = copy.deepcopy(stopped.state_dict())
    resumed = build(
        [nn.Parameter(p.data.copy()) for p in stopped.params],
        lr=0.7,
        **({"momentum": 0.5} if "momentum" in options else {}),
    )
    resumed.load_state_dict(state)
    take(resumed, 4, first=3, skip=skip)
    for p, q in zip(straight.params, resumed.params, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    for key, value in straight.state_dict().items():
        np.testing.assert_array_equal(value, resumed.state_dict()[key])


def test_a_state_is_flat_and_a_copy():
    optimizer = Adam(parameters())
    take(optimizer, 2)
    state = optimizer.state_dict()
    assert state["step"] == optimizer.steps == 2
    assert (state["lr"], state["beta1"], state["beta2"], state["eps"], state["weight_decay"]) == (
        1e-3,
        0.9,
        0.999,
        1e-8,
        0,
    )
    assert {k for k in state if "." in k} == {f"{n}.{k}" for n in ("exp_avg", "exp_avg_sq") for k in range(3)}
    assert all(isinstance(v, (int, float, np.ndarray)) for v in state.values())
    state["exp_avg.0"][...] = 99
    assert not (optimizer.state["exp_avg"][0] == 99).any()


def test_a_wrong_state_is_refused_whole_with_every_problem():
    optimizer = Adam(parameters())
    take(optimizer, 1)
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    del state["eps"], state["exp_avg.1"]
    state |= {"exp_avg_sq.0": np.zeros(5), "exp_avg.7": np.zeros(2)}
    with pytest.raises(ValueError) as caught:
        optimizer.load_state_dict(state)
    for problem in (
        "eps is missing",
        "exp_avg.1 is missing",
        "exp_avg_sq.0 has shape (5,), expected (3, 2)",
        "exp_avg.7 is not part of this optimizer",
    ):
        assert problem in str(caught.value)
    for key, value in before.items():
        np.testing.assert_array_equal(optimizer.state_dict()[key], value)


def test_one_optimizers_state_does_not_fit_another():
    with pytest.raises(
        ValueError, match="Adam.load_state_dict: .*exp_avg.0 is missing.*momentum is not part of this optimizer"
    ):
        Adam(parameters()).load_state_dict(SGD(parameters(), 0.1, 0.9).state_dict())


def test_state_follows_parameters_that_were_converted():
    params = parameters(np.float32)
    optimizer = Adam(params)
    take(optimizer, 1)
    for p in params:
        p.data = p.data.astype(np.float64)
    take(optimizer, 1)
    assert all(a.dtype == np.float64 for group in optimizer.state.values() for a in group)
    assert {p.dtype for p in params} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: Adam([]), "Adam: there are no parameters to optimize"),
        (
            lambda p: Adam(minunet.UNet(base_channels=1, depth=1).named_parameters()),
            r"params must be Tensors.*pairs with names",
        ),
        (lambda p: Adam(minunet.nn.ReLU()), "Adam: there are no parameters to optimize in ReLU"),
        (
            lambda p: Adam(p),
            "Adam: params is one Parameter; pass a Module or a list of Tensors, such as model.parameters()",
        ),
        (
            lambda p: Adam(minunet.nn.Linear(1, 1).parameters),
            r"params is the method itself, without \(\); pass a Module",
        ),
        (
            lambda p: Adam(minunet.nn.Linear(1, 1).state_dict()),
            "params is one dict; pass a Module or a list of Tensors",
        ),
        (lambda p: Adam(None), "params is one NoneType; pass a Module or a list of Tensors"),
        (
            lambda p: SGD([p.data], 0.1),
            r"params must be Tensors, such as model.parameters\(\), but params\[0\] is ndarray",
        ),
        (
            lambda p: SGD([{"params": [p]}], 0.1),
            r"params\[0\] is a group with settings of its own; make one optimizer for",
        ),
        (
            lambda p: SGD([p * 2.0], 0.1),
            r"params\[0\] is the result of an operation, so it gets no gradient of its own",
        ),
        (lambda p: SGD([p, p], 0.1), "SGD: a parameter is given twice"),
        (lambda p: Adam([p], lr=-1), "Adam: lr must be a positive number or 0, got -1"),
        (lambda p: Adam([p], lr=float("nan")), "Adam: lr must be a positive number or 0, got nan"),
        (lambda p: Adam([p], lr=float("inf")), "Adam: lr must be a positive number or 0, got inf"),
        (lambda p: Adam([p], betas=(0.9, 1.0)), r"Adam: betas must be two numbers in \[0, 1\), got \(0.9, 1.0\)"),
        (lambda p: Adam([p], betas=(0.9,)), "Adam: betas must be two numbers"),
        (lambda p: Adam([p], eps=-1e-8), "Adam: eps must be a positive number or 0"),
        (lambda p: Adam([p], weight_decay=-0.1), "Adam: weight_decay must be a positive number or 0"),
        (lambda p: SGD([p], 0.1, momentum=1), r"SGD: momentum must be in \[0, 1\), got 1"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build(nn.Parameter([1.0]))


def test_a_generator_of_tensors_is_accepted_and_a_quadratic_is_minimised():
    target = distinct((4, 3))
    for build in (lambda p: Adam(p, lr=0.05), lambda p: SGD(p, 0.1, 0.8)):
        x = Tensor(np.zeros((4, 3)), requires_grad=True)
        optimizer = build(t for t in [x])
        for _ in range(300):
            optimizer.zero_grad()
            ((x - target) ** 2).sum().backward()
            optimizer.step()
        np.testing.assert_allclose(x.data, target, atol=1e-3)


def test_a_model_gives_its_parameters():
    for params in (
        lambda m: m,
        lambda m: m.parameters(),
        lambda m: iter(m.parameters()),
        lambda m: tuple(m.parameters()),
    ):
        model = minunet.UNet(base_channels=1, depth=1)
        before = model.state_dict()
        steps = Adam(params(model))
        model(np.ones((1, 4, 4, 1), np.float32)).sum().backward()
        steps.step()
        assert [id(p) for p in steps.params] == [id(p) for p in model.parameters()]
        assert not np.array_equal(model.state_dict()["head.bias"], before["head.bias"])
