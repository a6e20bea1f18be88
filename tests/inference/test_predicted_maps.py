"""Predicted maps: what a model with several outputs says of an image, at the image's own size."""

import numpy as np
import pytest

import minunet
from minunet.checkpoints.model_writing import write_model
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_bilinear
from minunet.errors import UserError


def saved_model(folder, outputs, size=(16, 12)):
    network = minunet.UNet(out_channels=outputs.channels, base_channels=2, depth=2, rng=np.random.default_rng(1))
    return write_model(folder / "model.safetensors", network, Preprocessing(size=size), outputs=outputs), network


@pytest.mark.parametrize(
    "outputs", [Outputs(), Outputs(separation="distance"), Outputs(("none", "red", "white"), "seam")]
)
def test_maps_are_those_of_the_outputs_at_the_size_of_the_image(tmp_path, outputs):
    path, network = saved_model(tmp_path, outputs)
    model = minunet.load_model(path)
    assert model.outputs == outputs
    image = np.random.default_rng(2).integers(0, 256, (31, 47), np.uint8)
    maps = model.predict_outputs(image)
    logits = network(minunet.Tensor(model.preprocessing.image(image)[None])).data[0]
    np.testing.assert_allclose(maps.probability, resize_bilinear(outputs.probability(logits), (47, 31)), atol=1e-6)
    np.testing.assert_allclose(maps.probability, model.predict(image), atol=1e-6)
    assert (maps.separation is None) == (outputs.separation is None)
    if outputs.separation:
        np.testing.assert_allclose(
            maps.separation, resize_bilinear(outputs.separation_map(logits), (47, 31)), atol=1e-6
        )
    assert (maps.classes is None) == (not outputs.classes)
    if outputs.classes:
        shares = resize_bilinear(outputs.class_probabilities(logits), (47, 31))
        best = np.where(shares[..., 0] < 0.5, 1 + shares[..., 1:].argmax(axis=-1), 0)
        assert maps.classes.dtype == np.uint8
        assert np.mean(maps.classes == best) > 0.99


def test_large_images_are_predicted_in_tiles(tmp_path, monkeypatch):
    path, _ = saved_model(tmp_path, Outputs(("none", "red"), "centre"), size=None)
    model = minunet.load_model(path)
    image = np.random.default_rng(3).integers(0, 256, (150, 170), np.uint8)
    whole = model.predict_outputs(image)
    monkeypatch.setattr("minunet.inference.tile_size.BUDGET", 64 * 2 * 5000)
    monkeypatch.setattr("minunet.inference.tile_size.TILE_BYTES", 32 * 2 * 5000)
    assert model.is_tiled(150, 170)
    tiled = model.predict_outputs(image)
    np.testing.assert_allclose(tiled.separation, whole.separation, atol=1e-5)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=1e-5)
    np.testing.assert_array_equal(tiled.classes, whole.classes)


def test_outputs_that_the_network_does_not_have(tmp_path):
    network = minunet.UNet(base_channels=2, depth=2)
    path = write_model(tmp_path / "model.safetensors", network, Preprocessing(), outputs=Outputs(separation="seam"))
    with pytest.raises(UserError, match="has 1 output channel, and its header describes 2"):
        minunet.load_model(path)
