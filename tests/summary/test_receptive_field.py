"""Receptive fields: those that the shapes give are those that the gradients show."""

import numpy as np
import pytest

import minunet
from minunet.summary.receptive_field import receptive_fields


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("depth", [1, 2])
def test_as_large_as_the_gradient_reaches(variant, depth):
    model = minunet.UNet(base_channels=1, depth=depth, variant=variant, pooling="sum", activation="tanh")
    for name, parameter in model.named_parameters():  # every path from input to output counts
        parameter.data = np.full(parameter.shape, 0.01 if name.endswith("weight") else 0.0)
    side, reached = 128, 0
    for place in range(64, 64 + 2**depth):  # positions differ in what they see
        image = minunet.Tensor(np.ones((1, side, side, 1)), requires_grad=True)
        logits = model(image)
        one = np.zeros(logits.shape)
        one[0, place, place, 0] = 1
        logits.backward(one)
        rows = np.flatnonzero(np.abs(image.grad[0, :, :, 0]).sum(axis=1))
        reached = max(reached, rows[-1] - rows[0] + 1)
    assert receptive_fields(model)["head"] == reached


def test_every_convolution_is_there_in_the_order_in_which_it_runs():
    model = minunet.UNet(base_channels=1, depth=2)
    fields = receptive_fields(model)
    layers = [name.removesuffix(".weight") for name, _ in model.named_parameters() if name.endswith(".weight")]
    assert list(fields) == layers
    assert set(fields) <= set(model.features(np.zeros((1, 8, 8, 1), np.float32)))


def test_a_deep_network_sees_as_much_as_one_computed_by_hand():
    # Ronneberger et al.: four levels of two 3x3 convolutions; the bottleneck sees 140 pixels (5, 14, 32, 68, 140).
    fields = receptive_fields(minunet.UNet(base_channels=1, depth=4, variant="classic"))
    assert [fields[f"contraction.{k}.convs.1"] for k in range(4)] == [5, 14, 32, 68]
    assert fields["bottleneck.convs.1"] == 140
