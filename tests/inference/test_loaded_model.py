"""Predictions of a loaded model: at the size of the image, one image or many, as the trained network."""

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet import optim
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.kernels import dispatch
from tests.checkpoints.model_files import SIZE, unet


@pytest.mark.parametrize("preprocessing", [SIZE, Preprocessing(crop=8), Preprocessing(channels="rgb", size=(8, 8))])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (33, 20)])
def test_result_has_the_size_of_the_image(tmp_path, preprocessing, size):
    in_channels = 3 if preprocessing.channels == "rgb" else 1
    model = load_model(write_model(tmp_path / "m", unet(in_channels=in_channels), preprocessing))
    rng = np.random.default_rng(0)
    height, width = size
    grey = rng.integers(0, 256, (height, width), np.uint8)
    colour = rng.integers(0, 256, (height, width, 3), np.uint8)
    sixteen = rng.integers(0, 65536, (height, width), np.uint16)
    palette = Image.fromarray(colour).quantize(8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(sixteen).save(tmp_path / "sixteen.tif")
    given = [grey, colour, sixteen, grey[..., None], palette, Image.fromarray(grey).convert("1")]
    given += [Image.fromarray(colour).convert("RGBA"), tmp_path / "colour.png", str(tmp_path / "sixteen.tif")]
    for image in given:
        probability = model.predict(image)
        assert probability.shape == size
        assert probability.dtype == np.float32
        assert 0 <= probability.min() <= probability.max() <= 1
    np.testing.assert_array_equal(model.predict(colour), model.predict(tmp_path / "colour.png"))
    np.testing.assert_array_equal(model.predict(sixteen), model.predict(tmp_path / "sixteen.tif"))


def test_prediction_is_sigmoid_of_the_network_on_the_prepared_image(tmp_path):
    model = load_model(write_model(tmp_path / "m", unet(), SIZE))
    image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    logits = unet()(SIZE.image(image)[None]).data[0, :, :, 0]
    np.testing.assert_allclose(model.predict(image), 1 / (1 + np.exp(-logits)), rtol=1e-6)


def test_prediction_is_the_same_on_every_path(tmp_path):
    """A grey image reaches the kernels with an axis of one channel, whose stride can be any number."""
    model = load_model(write_model(tmp_path / "m", unet(base_channels=8), Preprocessing(crop=32)))
    image = np.random.default_rng(0).integers(0, 256, (90, 110), np.uint8)
    weight = np.zeros((3, 3, 1, 8), np.float32)
    arguments = (np.zeros((1, 90, 110, 1), np.float32),), weight, None, (1, 1), ((1, 1), (1, 1)), "relu"
    paths = [candidate.name for candidate in dispatch.primitives()["conv2d"].candidates(*arguments)]
    with dispatch.prefer("reference"):
        expected = model.predict(image)
    for path in paths:
        with dispatch.prefer(path):
            np.testing.assert_allclose(model.predict(image), expected, atol=1e-5, err_msg=path)


def test_many_images_as_one_by_one(tmp_path):
    model = load_model(write_model(tmp_path / "m", unet(), Preprocessing(crop=8)))
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, np.uint8) for size in [(9, 9), (9, 9), (5, 8), (9, 9), (9, 9), (9, 9)]]
    together = list(model.predict_many(images, batch_size=2))
    assert [probability.shape for probability in together] == [image.shape for image in images]
    for probability, image in zip(together, images, strict=True):
        np.testing.assert_allclose(probability, model.predict(image), atol=1e-6)


def test_trained_model_predicts_as_trained(tmp_path):
    """A network that learnt to tell bright from dark finds the bright square, at the image's own place and size."""
    model, preprocessing = unet(base_channels=4), Preprocessing(size=(16, 16))
    optimizer, rng = optim.Adam(model.parameters(), lr=0.03), np.random.default_rng(0)
    for _ in range(80):
        x = np.kron(rng.random((4, 4, 4, 1), np.float32), np.ones((1, 4, 4, 1), np.float32))
        optimizer.zero_grad()
        target = (x > 0.5).astype(np.float32)
        minunet.functional.binary_cross_entropy_with_logits(model(x), target).backward()
        optimizer.step()
    loaded = load_model(write_model(tmp_path / "m", model, preprocessing))
    image = np.full((64, 48), 20, np.uint8)
    image[16:32, 12:36] = 230
    found = loaded.predict(image) > 0.5
    assert np.mean(found == (image > 128)) > 0.95


@pytest.mark.parametrize(
    ("image", "messages"),
    [
        (np.zeros((4, 4), np.complex64), ["numbers, not complex64"]),
        (np.full((4, 4), np.nan, np.float32), ["16 of its 16 values are not a number (NaN) or infinite"]),
        (
            np.zeros((4, 4, 4), np.uint8),
            [
                "4 channels does not fit the setting of training --channels grey: train with the channel that shows the cells"
            ],
        ),
        (np.zeros((1, 4, 4, 3), np.uint8), ["(H, W) or (H, W, C), not (1, 4, 4, 3)"]),
        (np.zeros((0, 3), np.uint8), ["no pixels"]),
        (np.zeros((2, 0, 2, 1), bool), ["not bool", "not (2, 0, 2, 1)", "no pixels"]),
        ([[1, 2]], ["not a list; give np.asarray(image)"]),
        (None, ["not None"]),
    ],
)
def test_images_of_no_known_kind(saved, image, messages):
    with pytest.raises(UserError) as caught:
        load_model(saved).predict(image)
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert message in problem


def test_image_file_that_is_missing(saved, tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.png"):
        load_model(saved).predict(tmp_path / "nowhere.png")
