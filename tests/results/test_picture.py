"""Pictures: every image array the program handles, as 8-bit colour, scaled, and as PNG."""

import io

import numpy as np
import pytest
from PIL import Image

from minunet.results.picture import drop_channel_axis, png_bytes, resize_to_width, to_uint8_rgb


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0, 200]], np.uint8), [0, 200]),
        (np.array([[0, 65535, 0x1280]], np.uint16), [0, 255, 0x12]),
        (np.array([[-1.0, 0.5, 2.0, np.nan]], np.float32), [0, 128, 255, 0]),
        (np.array([[0.0, 1.0]], np.float64)[..., None], [0, 255]),
    ],
)
def test_one_channel(array, expected):
    picture = to_uint8_rgb(array)
    assert picture.dtype == np.uint8 and picture.shape == (1, len(expected), 3)
    assert np.array_equal(picture, np.repeat(np.array(expected, np.uint8)[None, :, None], 3, axis=2))


def test_colour_and_pil():
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(to_uint8_rgb(colour), colour)
    assert np.array_equal(to_uint8_rgb(Image.fromarray(colour)), colour)
    assert np.array_equal(to_uint8_rgb(Image.new("1", (3, 2), 1)), np.full((2, 3, 3), 255))


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 2, 4)), np.zeros((1, 2, 2, 3))])
def test_a_shape_that_is_no_picture(bad):
    with pytest.raises(ValueError, match=r"a picture is \(H, W\)"):
        to_uint8_rgb(bad)


def test_a_type_that_is_no_picture():
    with pytest.raises(ValueError, match="not int64"):
        to_uint8_rgb(np.zeros((2, 2), np.int64))


def test_fitting_keeps_the_proportions():
    array = np.zeros((30, 60), np.uint8)
    assert resize_to_width(array, 120).size == (120, 60)
    assert resize_to_width(array, 20).size == (20, 10)
    assert resize_to_width(np.zeros((1, 500), np.uint8), 50).size == (50, 1)


def test_a_crisp_enlargement_has_no_new_values():
    mask = np.random.default_rng(0).random((9, 11)) > 0.5
    assert set(np.unique(np.asarray(resize_to_width(mask, 100, crisp=True)))) == {0, 255}
    assert len(np.unique(np.asarray(resize_to_width(mask, 100)))) > 2


def test_only_a_last_axis_of_one_is_dropped():
    assert drop_channel_axis(np.zeros((3, 1, 1))).shape == (3, 1)
    assert drop_channel_axis(np.zeros((3, 1))).shape == (3, 1)
    assert drop_channel_axis(np.zeros((3, 2, 2))).shape == (3, 2, 2)


@pytest.mark.parametrize("array", [np.eye(5, dtype=bool), np.arange(6, dtype=np.uint16).reshape(2, 3) * 9999])
def test_png_bytes_are_a_file_of_the_image(array):
    with Image.open(io.BytesIO(png_bytes(array, compress_level=1))) as picture:
        assert picture.format == "PNG" and np.array_equal(np.asarray(picture), array)


def test_the_default_compression_is_that_of_pillow_and_optimised_files_are_no_larger():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 9, (40, 50, 3), dtype=np.uint8))
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert png_bytes(picture) == file.getvalue()
    assert len(png_bytes(picture, optimize=True)) <= len(file.getvalue())
