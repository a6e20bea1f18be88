"""ONNX files that take images as they are: the same probabilities as `predict`, at the size of the image."""

import numpy as np
import pytest

from minunet.data.reading.image_range import ImageRange
from minunet.exchange.check_image import drawn_image
from minunet.exchange.onnx_images import image_dtype
from minunet.exchange.onnx_model import onnx_model
from tests.exchange.small_models import EACH_KIND, KINDS, small_model

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session_of(model):
    return onnxruntime.InferenceSession(onnx_model(model, "images").SerializeToString())


def inputs_of(images, diameter=None):
    return {"image": images} if diameter is None else {"image": images, "diameter": np.asarray(diameter, np.float64)}


@pytest.mark.parametrize("kind", EACH_KIND)
def test_the_probabilities_are_those_of_predict(kind):
    model = KINDS[kind]
    diameter = None if model.preprocessing.diameter is None else 17.3
    images = np.stack([drawn_image(model.preprocessing)[:57, :71], drawn_image(model.preprocessing)[40:97, 90:161]])
    session = session_of(model)
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, inputs_of(images, diameter)), strict=True))
    for number, image in enumerate(images):
        maps = model.predict_outputs(image, diameter)
        np.testing.assert_allclose(found["probability"][number], maps.probability, rtol=0, atol=1e-5)
        if maps.separation is not None:
            np.testing.assert_allclose(found["separation"][number], maps.separation, rtol=0, atol=1e-5)
        if maps.foreground_class is not None:
            assert found["class_probabilities"].shape == (*images.shape[:3], 3)
            np.testing.assert_array_equal(
                1 + found["class_probabilities"][number, ..., 1:].argmax(-1), maps.foreground_class
            )


def test_the_second_input_is_the_diameter_of_the_cells():
    model = KINDS["one cell diameter"]
    session = session_of(model)
    for shape in ((40, 61, 3), (40, 61, 1), (1, 9, 1)):
        image = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
        for diameter in (5.0, 11.9, 12.0, 12.1, 17.0):  # 12 is that of the model: enlarged, as it is, shrunk
            found = session.run(["probability"], inputs_of(image[None], diameter))[0][0]
            np.testing.assert_allclose(found, model.predict(image, diameter), rtol=0, atol=1e-5)


def test_images_of_any_size_are_brought_to_the_size_of_the_network_and_back():
    model = KINDS["resized"]
    session = session_of(model)
    for shape in ((7, 100), (36, 48), (90, 20), (300, 401)):
        image = np.random.default_rng(2).integers(0, 256, (*shape, 3), np.uint8)
        found = session.run(["probability"], {"image": image[None]})[0][0]
        np.testing.assert_allclose(found, model.predict(image), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "image_range", "shape", "dtype"),
    [
        ("grey", None, (9, 11, 1), "uint8"),
        ("grey", None, (9, 11, 3), "uint8"),
        ("rgb", None, (9, 11, 1), "uint8"),
        ("rgb", ImageRange(3.0, 200.0, ("uint8",)), (9, 11, 3), "uint8"),
        ("grey", ImageRange(30.0, 3000.0, ("uint16",)), (9, 11, 3), "uint16"),
        ("grey", ImageRange(-300.0, 3000.0, ("int16",)), (9, 11, 1), "int16"),
        ("rgb", ImageRange(0.1, 0.8, ("float32",)), (9, 11, 3), "float32"),
        ("3,0", ImageRange((5.0, 9.0), (99.0, 200.0), ("uint8",)), (9, 11, 5), "uint8"),
        ("2,0", None, (9, 11, 3), "uint8"),
        ("2,0", None, (9, 11, 1), "uint8"),
        ("1", ImageRange(0.0, 4095.0, ("int16", "uint16")), (9, 11, 2), "int32"),
    ],
)
def test_channels_and_ranges_are_read_as_in_predict(channels, image_range, shape, dtype):
    model = small_model(channels, image_range=image_range)
    high = {"uint8": 256, "float32": 1}.get(dtype, 5000)
    image = (np.random.default_rng(4).random(shape) * high).astype(dtype)
    assert image_dtype(model.preprocessing) == np.dtype(dtype)
    found = session_of(model).run(["probability"], {"image": image[None]})[0][0]
    np.testing.assert_allclose(found, model.predict(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("channels", "count"), [("grey", 2), ("grey", 4), ("rgb", 4), ("3,0", 1), ("3,0", 3)])
def test_images_without_such_channels_are_an_error_as_in_predict(channels, count):
    model = small_model(channels)
    image = np.zeros((9, 11, count), np.uint8)
    with pytest.raises(ValueError, match="channels"):
        model.predict(image)
    with pytest.raises(Exception, match="Expand|Gather"):
        session_of(model).run(None, {"image": image[None]})
