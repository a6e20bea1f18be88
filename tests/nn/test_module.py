"""Modules: naming, order, state, modes, devices."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, nn
from minunet.errors import UserError
from tests.sample_arrays import distinct


class Branch(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(np.ones(2, np.float32))
        self.layer = nn.Linear(2, 3)

    def forward(self, x):
        return self.layer(x * self.scale)


class Tree(nn.Module):
    """Parameters as attributes, in a sub-module and in lists; and attributes that are neither parameter nor module."""

    def __init__(self):
        self.last_name_first_assigned = nn.Parameter([1.0])
        self.branches = [Branch(), Branch()]
        self.note = "text"
        self.numbers = [1, 2, 3]
        self.constant = Tensor([1.0])
        self.extras = (nn.Parameter(np.zeros((2, 2))), nn.ReLU())
        self.a = nn.Dropout(0.5)


NAMES = [
    "last_name_first_assigned",
    "branches.0.scale",
    "branches.0.layer.weight",
    "branches.0.layer.bias",
    "branches.1.scale",
    "branches.1.layer.weight",
    "branches.1.layer.bias",
    "extras.0",
]


def test_parameters_are_named_by_their_path_in_the_order_of_assignment():
    tree = Tree()
    pairs = list(tree.named_parameters())
    assert [name for name, _ in pairs] == NAMES
    assert all(isinstance(parameter, nn.Parameter) for _, parameter in pairs)
    assert [id(p) for p in tree.parameters()] == [id(p) for _, p in pairs]
    assert list(tree.state_dict()) == NAMES


def test_a_shared_parameter_appears_once_under_its_first_name():
    tree = Tree()
    tree.branches[1].layer = tree.branches[0].layer
    assert [name for name, _ in tree.named_parameters()] == [n for n in NAMES if not n.startswith("branches.1.layer")]


def test_a_replaced_parameter_keeps_its_place():
    branch = Branch()
    branch.scale = nn.Parameter(np.zeros(2))
    assert [name for name, _ in branch.named_parameters()] == ["scale", "layer.weight", "layer.bias"]


def test_parameters_require_gradients_and_keep_their_dtype():
    for data, dtype in ((np.ones(2), np.float64), ([1.0], np.float32), (np.ones(2, int), np.float32)):
        parameter = nn.Parameter(data)
        assert parameter.requires_grad
        assert parameter.dtype == dtype


def test_no_super_init_is_needed():
    class Bare(nn.Module):
        def forward(self, x):
            return x

    assert Bare().training
    assert Bare()(3) == 3
    assert Bare().parameters() == []
    assert Bare().device == "cpu"


def test_a_module_without_forward_says_so():
    with pytest.raises(TypeError, match="Module does not define forward"):
        nn.Module()(1)


def test_train_and_eval_reach_every_module_below():
    tree = Tree()
    modules = [tree, *tree.branches, tree.extras[1], tree.a, tree.branches[0].layer]
    assert tree.eval() is tree
    assert not any(m.training for m in modules)
    assert tree.train() is tree
    assert all(m.training for m in modules)
    tree.train(False)
    assert not any(m.training for m in modules)


def test_state_round_trip():
    one, other = Tree(), Tree()
    for k, p in enumerate(one.parameters()):
        p.data[...] = distinct(p.shape, k)
    state = one.state_dict()
    other.load_state_dict(state)
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        assert not np.shares_memory(p.data, q.data)


def test_a_state_is_a_copy():
    branch = Branch()
    state = branch.state_dict()
    state["scale"][...] = 7
    assert (branch.scale.data == 1).all()
    branch.scale.data[...] = 5
    assert (state["scale"] == 7).all()


def test_loading_keeps_the_parameters_identity_dtype_and_takes_tensors_and_lists():
    branch = Branch()
    data = branch.scale.data
    state = {**branch.state_dict(), "scale": [2, 3], "layer.bias": Tensor(np.array([1.0, 2, 3]))}
    branch.load_state_dict(state)
    assert branch.scale.data is data
    assert data.tolist() == [2, 3]
    assert branch.layer.bias.dtype == np.float32


def test_a_wrong_state_is_refused_whole_with_every_problem():
    branch = Branch()
    before = branch.state_dict()
    state = {"scale": np.zeros(3), "layer.weight": np.zeros((2, 3)), "layer.bais": np.zeros(3), "more": np.zeros(1)}
    with pytest.raises(ValueError) as caught:
        branch.load_state_dict(state)
    for problem in (
        "layer.bias is missing",
        "layer.bais is not a parameter here",
        "more is not a parameter here",
        "scale has shape (3,), expected (2,)",
    ):
        assert problem in str(caught.value)
    assert all(np.array_equal(value, branch.state_dict()[name]) for name, value in before.items())


def test_zero_grad_forgets_gradients():
    branch = Branch()
    branch(np.ones((1, 2), np.float32)).sum().backward()
    assert all(p.grad is not None for p in branch.parameters())
    branch.zero_grad()
    assert all(p.grad is None for p in branch.parameters())


def test_astype_converts_parameters_and_drops_gradients():
    model = minunet.UNet(base_channels=2, depth=1)
    model(np.ones((1, 2, 2, 1))).sum().backward()
    assert model.astype(np.float64) is model
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert all(p.grad is None for p in model.parameters())
    y = model(np.ones((1, 2, 2, 1), np.float32))  # a plain array is converted
    assert y.dtype == np.float64


def test_to_the_cpu_changes_nothing():
    branch = Branch()
    data = [p.data for p in branch.parameters()]
    assert branch.to("cpu") is branch
    assert all(p.data is d for p, d in zip(branch.parameters(), data, strict=True))
    assert branch.device == "cpu"


def test_to_an_unknown_device_is_refused():
    with pytest.raises(UserError, match='device "gpu" is not known; choose one of auto, cpu, cuda'):
        Branch().to("gpu")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones(3, complex), "1.bias does not hold real numbers but complex128"),
        (np.full(3, 1e300), "1.bias holds numbers too large for float32"),
        (np.array(["a", "b", "c"]), "1.bias does not hold real numbers"),
        (np.ma.ones(3), "1.bias is a masked array, whose mask would be ignored"),
        ([[1], [2, 3]], "1.bias is not an array"),
        (None, r"1.bias has shape \(\), expected \(3,\)"),
    ],
)
def test_a_state_that_does_not_fit_is_not_loaded_in_part(value, message):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        model.load_state_dict({**{name: v + 1 for name, v in before.items()}, "1.bias": value})
    np.testing.assert_equal(model.state_dict(), before)


def test_a_state_of_what_float32_cannot_count_is_loaded_as_it_is():
    """Numbers that are infinite already, lists, Tensors and integers."""
    model = nn.Sequential(nn.Linear(1, 3))
    model.load_state_dict({"0.weight": [[1, 2, 3]], "0.bias": Tensor(np.array([np.inf, np.nan, 1.0]))})
    np.testing.assert_array_equal(model.state_dict()["0.bias"], [np.inf, np.nan, 1])


@pytest.mark.parametrize("state", [None, [1], "text"])
def test_a_state_is_a_mapping(state):
    with pytest.raises(ValueError, match="must map names to arrays"):
        nn.Linear(1, 1).load_state_dict(state)


def test_a_parameter_that_cannot_be_written_to_is_named_before_any_is_loaded():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    before = model.state_dict()
    model[1].bias.data.flags.writeable = False
    with pytest.raises(ValueError, match="1.bias is in memory that must not be written to"):
        model.load_state_dict({name: value + 1 for name, value in before.items()})
    np.testing.assert_equal(model.state_dict(), before)
