"""Pixels of any type as fractions of white: grey by the luma of BT.601, colour, and arrays that are no image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minunet.data.reading.pixels import to_grey, to_rgb
from minunet.errors import UserError
from tests.data.small_pictures import photo


@given(arrays(np.uint8, (5, 7, 3)))
def test_grey_is_the_luma_of_bt_601(array):
    red, green, blue = np.moveaxis(array.astype(np.float64), -1, 0)
    expected = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    assert np.abs(to_grey(array) - expected).max() < 1e-7
    assert np.abs(to_grey(array.astype(np.uint16) * 257) - expected).max() < 1e-7
    assert np.abs(to_grey(array / 255) - expected).max() < 1e-7


@given(st.sampled_from([np.uint8, np.uint16, bool]), st.data())
def test_grey_of_equal_channels_is_their_fraction_of_white(dtype, data):
    array = data.draw(arrays(dtype, (4, 5)))
    white = 1 if dtype is bool else np.iinfo(dtype).max
    expected = (array / np.float32(white)).astype(np.float32)
    assert np.array_equal(to_grey(array), expected)
    assert np.array_equal(to_grey(array[..., None]), expected)
    assert np.abs(to_grey(np.repeat(array[..., None], 3, 2)) - expected).max() <= 1e-7
    assert np.array_equal(to_rgb(array), np.repeat(expected[..., None], 3, 2))
    assert to_grey(array).dtype == to_rgb(array).dtype == np.float32


def test_white_is_one():
    assert to_grey(np.full((2, 2, 3), 255, np.uint8)).max() == 1
    assert to_grey(np.full((2, 2, 3), 65535, np.uint16)).max() == 1
    assert np.array_equal(to_rgb(photo()), (photo() / np.float32(255)).astype(np.float32))


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4), (0, 4), (1, 4, 4, 3), (4, 4, 2)])
def test_shapes_that_are_no_image(shape):
    with pytest.raises(UserError, match=r"an image array has the shape \(H, W\) or \(H, W, 3\), not \("):
        to_grey(np.zeros(shape, np.uint8))


def test_dtypes_without_a_white():
    with pytest.raises(
        UserError, match="an image array of int64 has no known white: give uint8, uint16, bool, or floats"
    ):
        to_rgb(np.zeros((2, 2), np.int64))
