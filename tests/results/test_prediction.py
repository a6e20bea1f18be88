"""The pictures of a prediction: their sizes, their values, and that they are known again."""

import io

import numpy as np
import pytest
from PIL import Image

from minunet.results.picture import png_bytes
from minunet.results.prediction import PICTURES, Prediction, is_result, result_files

PROBABILITY = np.array([[0.0, 0.25, 0.5], [0.500001, 0.75, 1.0]], np.float32)


def opened(prediction, kind):
    return Image.open(io.BytesIO(png_bytes(prediction.pixels(kind))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_every_picture_has_the_size_of_the_image(dtype, channels):
    image = np.full((2, 3, *channels), np.iinfo(dtype).max, dtype)
    for kind in PICTURES:
        assert opened(Prediction(image, PROBABILITY), kind).size == (3, 2)


def test_mask_is_black_and_white_above_the_threshold():
    prediction = Prediction(np.zeros((2, 3), np.uint8), PROBABILITY)
    np.testing.assert_array_equal(np.asarray(opened(prediction, "mask")), [[0, 0, 0], [255, 255, 255]])
    assert prediction.foreground == 0.5
    lower = Prediction(np.zeros((2, 3), np.uint8), PROBABILITY, threshold=0.2)
    np.testing.assert_array_equal(np.asarray(opened(lower, "mask")), [[0, 255, 255], [255, 255, 255]])


def test_probability_is_16_bit():
    picture = opened(Prediction(np.zeros((2, 3), np.uint8), PROBABILITY), "probability")
    assert picture.mode == "I;16"
    np.testing.assert_allclose(np.asarray(picture) / 65535, PROBABILITY, atol=0.5 / 65535)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_product_is_image_times_probability(dtype):
    image = np.array([[10, 100, 201], [0, 40, 255]], dtype)
    product = np.asarray(opened(Prediction(image, PROBABILITY), "product"))
    assert product.dtype == dtype
    np.testing.assert_array_equal(product, [[0, 25, 100], [0, 30, 255]])
    colour = np.stack([image, image, image // 2], axis=-1)
    np.testing.assert_array_equal(Prediction(colour, PROBABILITY).product()[..., 0], product)


def test_overlay_outlines_the_mask():
    image = np.full((20, 20), 128, np.uint8)
    probability = np.zeros((20, 20), np.float32)
    probability[5:15, 5:15] = 1
    overlay = np.asarray(opened(Prediction(image, probability), "overlay")).astype(int)
    changed = (overlay != 128).any(axis=-1)
    assert changed[5, 5:15].all()
    assert not changed[:5].any()
    assert not changed[8:12, 8:12].any()


def test_results_are_known_again_when_all_four_are_there(tmp_path):
    files = result_files(tmp_path / "a.b")
    assert [file.name for file in files] == [f"a.b_{kind}.png" for kind in PICTURES]
    for file in files[:-1]:
        file.write_bytes(b"")
    assert not any(map(is_result, files))
    files[-1].write_bytes(b"")
    assert all(map(is_result, files))
    assert not is_result(tmp_path / "a.b.png")
