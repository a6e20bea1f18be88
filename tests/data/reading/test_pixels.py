"""Pixels of any type as fractions of white: grey by the luma of BT.601, colour, TIFFs in which 0 is white, and invalid arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.pixels import to_grey, to_rgb
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.threshold import binarise, otsu_threshold
from minunet.errors import UserError
from tests.data.small_pictures import photo

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


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


def white_is_zero(path):
    """Set the tag in a file that Pillow wrote, which always writes the other value."""
    data = bytearray(path.read_bytes())
    order = "little" if data[:2] == b"II" else "big"
    directory = int.from_bytes(data[4:8], order)
    for entry in range(int.from_bytes(data[directory : directory + 2], order)):
        place = directory + 2 + 12 * entry
        if int.from_bytes(data[place : place + 2], order) == PHOTOMETRIC:
            data[place + 8 : place + 10] = WHITE_IS_ZERO.to_bytes(2, order)
    path.write_bytes(data)


@pytest.mark.parametrize("read", [decode, decode_mask])
@pytest.mark.parametrize(
    ("dtype", "mode"), [("u1", "L"), ("<u2", "I;16")]
)  # Pillow opens no big-endian ones of 16 bits
def test_a_tiff_in_which_0_is_white_is_inverted(dtype, mode, read, tmp_path):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 7), endpoint=True).astype(dtype)
    path = tmp_path / "a.tif"
    Image.frombytes(mode, (7, 5), values.tobytes()).save(path)
    assert np.array_equal(read(path), values)
    white_is_zero(path)
    assert np.array_equal(read(path), np.iinfo(dtype).max - values)


@pytest.mark.parametrize("read", [to_grey, to_rgb, otsu_threshold, lambda a: binarise(a, 0.5), Preprocessing().target])
def test_a_mask_of_numpys_is_refused(read):
    """Its hidden pixels would be read like the others."""
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    with pytest.raises(UserError, match="masked array, whose mask would be ignored"):
        read(np.ma.array(array, mask=array > 5))
    np.testing.assert_array_equal(read(array.view(np.matrix)), read(array))
