"""`Module.features`: the output of every layer by its name."""

import numpy as np
import pytest

import minunet
from minunet import Tensor, nn
from minunet import functional as F
from minunet.nn import layer_outputs
from tests.nn.distinct_weights import with_distinct_weights
from tests.sample_arrays import distinct

IMAGES = distinct((2, 8, 12, 1), dtype=np.float32)


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_a_unet_gives_every_layer_in_the_order_of_use(variant):
    model = minunet.UNet(base_channels=2, depth=2, variant=variant)
    outputs = model.features(IMAGES)
    assert list(outputs) == [
        name.removesuffix(".weight") for name, _ in model.named_parameters() if name.endswith("weight")
    ]
    for name, output in outputs.items():
        level = int(name.split(".")[1]) if name.startswith("contraction") else 0
        assert type(output) is np.ndarray and output.ndim == 4
        if name.startswith("contraction"):
            assert output.shape == (2, 8 >> level, 12 >> level, 2 << level)
    assert outputs["bottleneck.convs.1"].shape == (2, 2, 3, 8)
    np.testing.assert_array_equal(outputs["head"], model(IMAGES).data)


def test_each_output_follows_from_the_one_before():
    model = minunet.UNet(base_channels=2, depth=1)
    with_distinct_weights(model)
    outputs = model.features(IMAGES)
    first = outputs["contraction.0.convs.0"]
    np.testing.assert_allclose(model.contraction[0].convs[1](first).data, outputs["contraction.0.convs.1"], rtol=1e-5)
    pooled = F.max_pool2d(outputs["contraction.0.convs.2"])
    np.testing.assert_allclose(model.bottleneck.convs[0](pooled).data, outputs["bottleneck.convs.0"], rtol=1e-5)


def test_a_padded_image_has_a_cropped_output_beside_the_larger_layers():
    outputs = minunet.UNet(base_channels=1, depth=2).features(IMAGES[:, :7, :9])
    assert outputs["head"].shape == (2, 8, 12, 1)
    assert outputs["output"].shape == (2, 7, 9, 1)
    np.testing.assert_array_equal(outputs["output"], outputs["head"][:, :7, :9])


class Residual(nn.Module):
    """A part whose output is not that of its last layer, and which uses one layer twice."""

    def __init__(self):
        self.relu, self.layers = nn.ReLU(), [nn.Linear(3, 3), nn.Dropout(0.5)]

    def forward(self, x):
        for layer in self.layers:
            x = x + self.relu(layer(x))
        return x, 3, self.relu


def test_parts_layers_used_again_and_layers_that_change_nothing():
    model = Residual().eval()
    outputs = model.features(Tensor(np.ones((2, 3), np.float32), requires_grad=True))
    assert list(outputs) == ["layers.0", "relu", "layers.1", "relu:2", "output[0]"]


def test_a_single_layer_and_an_empty_network():
    assert list(nn.ReLU().features([1.0, -1.0])) == ["output"]
    assert nn.Sequential(nn.Sequential()).features(np.ones(2)) == {}
    assert list(nn.Sequential(nn.Flatten()).features(np.ones((1, 2)))) == ["0"]


def test_nothing_is_recorded_and_nothing_is_kept():
    model = minunet.UNet(base_channels=1, depth=1).train()
    model.recompute = True
    outputs = model.features(IMAGES)
    assert "contraction.0.convs.0" in outputs
    assert model.training and all(p.grad is None for p in model.parameters())
    with pytest.raises(ValueError, match="UNet: x must have shape"):
        model.features(np.zeros(3))
    assert layer_outputs._GATHERING.current is None
    assert model(IMAGES).requires_grad


class Asks(nn.Module):
    """A module that looks at the features of another one while it runs."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return Tensor(self.inner.features(x)["0"]) * 2.0


def test_features_within_features():
    outputs = Asks(nn.Sequential(nn.ReLU())).features(np.array([-1.0, 3.0]))
    assert list(outputs) == ["output"]
    np.testing.assert_array_equal(outputs["output"], [0, 6])
