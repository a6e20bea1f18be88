"""The layers that the fused kernels read from a model."""

import pytest

from minunet import UNet
from minunet.fused.unet_layers import layers_of


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_layers_are_the_models(variant):
    model = UNet(3, 2, base_channels=8, depth=3, variant=variant)
    shapes = [shape for layer in layers_of(model).all() for shape in (layer.shape, (layer.outs,))]
    assert shapes == [p.shape for p in model.parameters()]


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_a_join_has_two_sources(variant):
    layers = layers_of(UNet(3, 2, base_channels=8, depth=2, variant=variant))
    assert [first.channels for _, first, _ in layers.expansion] == [(16, 16), (8, 8)]
    assert [up.channels for up, _, _ in layers.expansion] == [(32,), (16,)]
    assert layers.head.kernel_size == (3 if variant == "paper" else 1)
