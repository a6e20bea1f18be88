"""Pictures: every image array the program handles, as 8-bit colour, scaled and with a legible caption."""

import numpy as np
import pytest
from PIL import Image

from minunet.results.picture import fitted, font, legible, shortened, to_picture


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
    picture = to_picture(array)
    assert picture.dtype == np.uint8 and picture.shape == (1, len(expected), 3)
    assert np.array_equal(picture, np.repeat(np.array(expected, np.uint8)[None, :, None], 3, axis=2))


def test_colour_and_pil():
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(to_picture(colour), colour)
    assert np.array_equal(to_picture(Image.fromarray(colour)), colour)
    assert np.array_equal(to_picture(Image.new("1", (3, 2), 1)), np.full((2, 3, 3), 255))


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((2, 2, 4)), np.zeros((1, 2, 2, 3))])
def test_a_shape_that_is_no_picture(bad):
    with pytest.raises(ValueError, match=r"a picture is \(H, W\)"):
        to_picture(bad)


def test_a_type_that_is_no_picture():
    with pytest.raises(ValueError, match="not int64"):
        to_picture(np.zeros((2, 2), np.int64))


def test_fitting_keeps_the_proportions():
    array = np.zeros((30, 60), np.uint8)
    assert fitted(array, 120).size == (120, 60)
    assert fitted(array, 20).size == (20, 10)
    assert fitted(array, 120, height=15).size == (30, 15)
    assert fitted(np.zeros((1, 500), np.uint8), 50).size == (50, 1)


def test_a_crisp_enlargement_has_no_new_values():
    mask = np.random.default_rng(0).random((9, 11)) > 0.5
    assert set(np.unique(np.asarray(fitted(mask, 100, crisp=True)))) == {0, 255}
    assert len(np.unique(np.asarray(fitted(mask, 100)))) > 2


def test_text_is_shortened_in_the_middle():
    face = font(14)
    assert shortened("short", 200, face) == "short"
    text = shortened("a_very_long_name_of_a_file_0017.png", 120, face)
    assert face.getlength(text) <= 120
    assert text.startswith("a_very") and text.endswith("17.png") and "..." in text
    assert shortened("wide", 1, face) == ""


def test_text_is_legible():
    assert legible("image × prédiction – Blutzellen für µm 中") == "image x prediction - Blutzellen fur um ?"
    known = bytes(font(30).getmask("\ue123"))  # what the typeface draws for a letter it does not have
    for letter in legible("abcABC019°±·×éüø~!"):
        assert bytes(font(30).getmask(letter)) != known
