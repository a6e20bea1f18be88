"""The prediction for an array does not depend on the layout of its bytes in memory."""

import numpy as np
import pytest

from minunet import Tensor, UNet
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    return load_model(write_model(path, UNet(base_channels=2, depth=1), Preprocessing()))


@pytest.mark.parametrize(
    "lie",
    [
        lambda image: image.astype(">u2"),  # as readers of big-endian TIFF give it
        lambda image: image.astype("<u2"),
        np.asfortranarray,
        lambda image: np.repeat(np.repeat(image, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda image: image[::-1].copy()[::-1],
    ],
)
def test_the_same_prediction(model, lie):
    image = np.random.default_rng(0).integers(0, 65536, (9, 14), dtype=np.uint16)
    assert np.array_equal(model.predict(lie(image)), model.predict(image))


def test_arrays_of_a_subclass_are_read_alike_but_a_mask_is_refused(model):
    image = np.random.default_rng(0).integers(0, 256, (9, 14), dtype=np.uint8)
    assert np.array_equal(model.predict(image.view(np.matrix)), model.predict(image))
    with pytest.raises(UserError, match="an image is a masked array, whose mask would be ignored"):
        model.predict(np.ma.array(image, mask=image > 100))


@pytest.fixture(scope="module")
def in_colour(tmp_path_factory):
    """Models in colour: of 8-bit images, and of images between 0 and 1."""
    folder, network = tmp_path_factory.mktemp("models"), UNet(3, base_channels=1, depth=1)
    ranges = ImageRange(3.0, 250.0, ("uint8",)), ImageRange(0.0, 1.0, ("float32",))
    return [
        load_model(write_model(folder / f"{k}", network, Preprocessing(channels="rgb", range=of)))
        for k, of in enumerate(ranges)
    ]


IMAGE = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            np.moveaxis(IMAGE, -1, 0),
            r"channels seem to come first, as its shape is \(3, 9, 14\): give np.moveaxis\(image, 0, -1\)",
        ),
        (np.dstack([IMAGE, IMAGE[..., :1]]), r"of arrays in RGBA, give image\[..., :3\]"),
        (IMAGE[None], r"not \(1, 9, 14, 3\); give image\[0\]"),
        (np.stack([IMAGE, IMAGE]), r"give one image at a time, such as image\[0\], or all of them to predict_many"),
        (np.moveaxis(IMAGE[None], -1, 1), r"give image\[0\], with the channels last: np.moveaxis\(image, 1, -1\)\[0\]"),
        (np.zeros((1, 1, 1, 1, 1)), "give one image at a time"),
        (IMAGE / 255, r"between 0 and 1, but in the training images white is 250 \(uint8\), .*such as image \* 255"),
        (IMAGE.tolist(), r"not a list; give np.asarray\(image\), or several images to predict_many"),
        (None, "not None"),
        (Tensor(IMAGE), r"not a Tensor; give tensor.numpy\(\)"),
        ({}, "not dict; convert it first"),
    ],
)
def test_other_layouts_and_units_get_advice(in_colour, image, message):
    for predict in (in_colour[0].predict, in_colour[0].predict_outputs, in_colour[0].features):
        with pytest.raises(UserError, match=message):
            predict(image)


def test_the_advice_fits(in_colour):
    expected, (model, of_fractions) = in_colour[0].predict(IMAGE), in_colour
    np.testing.assert_array_equal(model.predict(np.moveaxis(np.moveaxis(IMAGE, -1, 0), 0, -1)), expected)
    np.testing.assert_allclose(model.predict(IMAGE / 255 * 255), expected, atol=1e-6)
    np.testing.assert_array_equal(list(model.predict_many(np.stack([IMAGE, IMAGE]))), [expected, expected])
    with pytest.raises(
        UserError, match=r"go up to 255, but in the training images white is 1 \(float32\).*such as image / 255"
    ):
        of_fractions.predict(IMAGE)
    with pytest.raises(UserError, match=r"such as image / 65535"):
        of_fractions.predict(IMAGE * np.uint16(257))
    of_fractions.predict(IMAGE / 255)


def test_dark_images_of_the_right_type_are_no_mistake(in_colour):
    model, of_fractions = in_colour
    for image in (np.zeros_like(IMAGE), IMAGE // 128, np.zeros(IMAGE.shape), IMAGE / 64):
        model.predict(image)
    of_fractions.predict(IMAGE / 100)


def test_an_image_of_torch_gets_advice(model):
    torch = pytest.importorskip("torch")
    with pytest.raises(
        UserError, match=r"not a torch.Tensor; give image.detach\(\).cpu\(\).numpy\(\), with the channels last"
    ):
        model.predict(torch.zeros(3, 8, 8))


def test_features_are_the_outputs_of_the_layers_for_the_prepared_image(in_colour, monkeypatch):
    model = in_colour[0]
    maps = model.features(IMAGE)
    expected = model.model.features(model.preprocessing.image(IMAGE)[None])
    assert list(maps) == list(expected)
    for name, values in maps.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, expected[name][0])
    assert maps["contraction.0.convs.0"].shape == (10, 14, 1)  # padded to a multiple of 2
    probability = 1 / (1 + np.exp(-maps["output"][..., 0]))
    np.testing.assert_allclose(model.predict(IMAGE), probability, rtol=1e-5)
    monkeypatch.setattr(type(model), "is_tiled", lambda self, height, width: True)
    with pytest.raises(UserError, match=r"would have 14x9 pixels, too many .* image\[:1024, :1024\]"):
        model.features(IMAGE)
