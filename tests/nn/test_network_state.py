"""Networks that were changed, or that compute more than their classes say, have no recorded pass."""

import functools

import numpy as np
import pytest

import minunet
from tests.nn.recorded_steps import (
    PLAIN,
    STEPS,
    assert_same_bits,
    batch,
    is_recorded,
    network,
    step,
    trained,
    unrecorded_step,
)

pytestmark = pytest.mark.usefixtures("nothing_recorded")


def change_activation(model):
    model.bottleneck.convs[0].activation = None


def change_pooling(model):
    model.config["pooling"] = "sum"


def change_values(model):
    model.head.weight.data = model.head.weight.data * 2


def change_frozen_values(model):
    model.head.bias.data = model.head.bias.data + 1


def replace_layer(model):
    model.bottleneck.convs[1] = minunet.nn.Conv2d(4, 4, 3, padding=1, activation="relu", rng=np.random.default_rng(9))


def freeze(model):
    model.bottleneck.convs[0].weight.requires_grad = False


def thaw(model):
    model.head.bias.requires_grad = True


def recompute(model):
    model.recompute = True


def add_attributes(model):
    model.notes = {"mean": np.ones(3)}
    model.head.history = [1]


@pytest.mark.parametrize(
    "change",
    [
        change_activation,
        change_pooling,
        change_values,
        change_frozen_values,
        replace_layer,
        freeze,
        thaw,
        recompute,
        add_attributes,
    ],
    ids=lambda change: change.__name__,
)
def test_a_changed_network_computes_what_it_is_now(change):
    model = network()
    model.head.bias.requires_grad = False
    trained(model)
    change(model)
    found = step(model, 70)
    assert not found[0]
    for seed in range(STEPS):  # also once it is recorded again
        assert_same_bits(found, unrecorded_step(model, 70 + seed))
        found = step(model, 71 + seed)


def test_attributes_of_any_kind_may_change():
    model = network()
    model.notes = {"mean": np.ones(3)}
    trained(model)
    model.notes["mean"] = np.zeros(3)
    assert not step(model, 60)[0]
    for seed in range(STEPS):
        found = step(model, 60 + seed)
    assert found[0]
    assert_same_bits(found, unrecorded_step(model, 60 + seed))


@pytest.mark.parametrize("steps", [0, pytest.param(STEPS, marks=pytest.mark.ci)], ids=["before", "after recording"])
@pytest.mark.parametrize("of", ["instance", "class", "call"])
def test_methods_in_the_place_of_others_are_called(monkeypatch, of, steps):
    model, seen = network(), []
    owner = {"instance": model.head, "class": minunet.nn.Conv2d, "call": minunet.nn.Module}[of]
    name = "__call__" if of == "call" else "forward"
    original = getattr(owner, name)

    @functools.wraps(original)
    def watched(*args):
        output = original(*args)
        seen.append(output.data)
        return output

    for seed in range(steps):
        step(model, seed)
    monkeypatch.setattr(owner, name, watched)
    for seed in range(STEPS):
        before = len(seen)
        recorded, output, _ = step(model, seed)
        assert not recorded
        assert len(seen) > before
        np.testing.assert_array_equal(seen[-1], output)


def own_classes():
    class Other(minunet.UNet):
        def forward(self, x):
            return super().forward(x) * 2

    return Other(**PLAIN)


def shared_layer():
    model = network()
    model.bottleneck.convs.append(model.bottleneck.convs[1])
    return model


@pytest.mark.parametrize(
    "make",
    [
        own_classes,
        shared_layer,
        lambda: network(pooling="average"),
        lambda: network(activation="tanh"),
        lambda: network().astype("float64"),
    ],
    ids=["own class", "shared layer", "average", "tanh", "float64"],
)
def test_other_networks_compute_as_usual(make):
    model = make()
    x = batch(0).astype(model.head.weight.dtype)
    for _ in range(2 * STEPS):
        output = model(x)
        assert not is_recorded(output)
        output.sum().backward()
