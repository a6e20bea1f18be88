"""Layers watched from outside: dead ReLUs and the first output that is not finite, named as the parameters are."""

import numpy as np

from minunet import nn
from minunet.nn.unet import UNet
from minunet.training.watch_layers import dead_relus, first_not_finite, named_layers, watched_layers

IMAGES = np.random.default_rng(0).uniform(0, 1, (3, 16, 16, 1)).astype(np.float32)


def network():
    return UNet(base_channels=4, depth=1, rng=np.random.default_rng(0))


def test_layers_are_named_as_their_parameters():
    model = network()
    names = [name for name, _ in named_layers(model)]
    assert names == list(dict.fromkeys(name.rpartition(".")[0] for name, _ in model.named_parameters()))


def test_the_channels_of_a_layer_that_are_0_everywhere_are_counted():
    model = network()
    conv = model.bottleneck.convs[0]
    conv.bias.data[...] = [-100, -100, -100, 0, 0, 0, 0, 0]
    conv.weight.data[..., 3:] = np.abs(conv.weight.data[..., 3:])
    layers = {layer.name: layer for layer in dead_relus(model, IMAGES)}
    assert (layers["bottleneck.convs.0"].dead, layers["bottleneck.convs.0"].channels) == (3, 8)
    assert "head" not in layers and "expansion.0.up" not in layers  # they have no ReLU


def test_a_channel_that_one_image_brings_to_life_is_not_dead():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    model[0].weight.data[...], model[0].bias.data[...] = 1, -0.5
    dark, light = np.zeros((1, 4, 4, 1), np.float32), np.ones((1, 4, 4, 1), np.float32)
    assert [layer.dead for layer in dead_relus(model, dark)] == [1]
    assert [layer.dead for layer in dead_relus(model, np.concatenate([dark, light]))] == [0]


def test_the_first_layer_that_is_not_finite_is_found_with_its_images():
    model = network()
    assert first_not_finite(model, IMAGES) == (None, [])
    model.bottleneck.convs[1].weight.data[...] = 3e38
    assert first_not_finite(model, IMAGES * np.float32([0, 1, 1])[:, None, None, None]) == (
        "bottleneck.convs.1",
        [1, 2],
    )


def test_watching_changes_neither_the_network_nor_its_results():
    model, seen = network(), []
    before, attributes = model(IMAGES).data, [set(vars(layer)) for _, layer in named_layers(model)]
    with watched_layers(model, lambda name, layer, output: seen.append(name)):
        assert np.array_equal(model(IMAGES).data, before)
    assert seen == [name for name, _ in named_layers(model)]
    assert [set(vars(layer)) for _, layer in named_layers(model)] == attributes
    assert np.array_equal(model(IMAGES).data, before) and len(seen) == len(attributes)
