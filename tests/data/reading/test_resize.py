import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minunet.data.reading.resize import resize_area, resize_bilinear
from minunet.errors import UserError

sides = st.integers(1, 23)


def area_reference(array, size):
    """The mean of the rectangle each output pixel covers, by what it shares with every input pixel."""
    (height, width), (new_width, new_height) = array.shape[:2], size

    def shares(source, target):
        pixel = np.arange(source)
        edge = np.arange(target + 1)[:, None] * source / target
        return np.clip(np.minimum(edge[1:], pixel + 1) - np.maximum(edge[:-1], pixel), 0, None) * target / source

    return np.einsum("iy,jx,yx...->ij...", shares(height, new_height), shares(width, new_width), array)


def bilinear_reference(array, size):
    """Linear interpolation between the centres of the pixels around, by the weight of every input pixel."""
    (height, width), (new_width, new_height) = array.shape[:2], size

    def weights(source, target):
        centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)[:, None]
        return np.maximum(0, 1 - np.abs(centre - np.arange(source)))

    return np.einsum("iy,jx,yx->ij", weights(height, new_height), weights(width, new_width), array)


@given(sides, sides, sides, sides, st.sampled_from([(), (1,), (3,)]), st.integers(0, 99))
def test_area_averaging_is_exact(height, width, new_height, new_width, channels, seed):
    array = np.random.default_rng(seed).random((height, width, *channels)).astype(np.float32)
    found = resize_area(array, (new_width, new_height))
    assert found.dtype == np.float32
    assert found.shape == (new_height, new_width, *channels)
    assert np.allclose(found, area_reference(array, (new_width, new_height)), atol=1e-6)
    assert np.allclose(found.mean(), array.mean(), atol=1e-6)


@given(sides, sides, sides, sides, st.integers(0, 99))
def test_bilinear_interpolation(height, width, new_height, new_width, seed):
    array = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    found = resize_bilinear(array, (new_width, new_height))
    assert np.allclose(found, bilinear_reference(array, (new_width, new_height)), atol=1e-6)
    assert found.min() >= array.min() - 1e-6
    assert found.max() <= array.max() + 1e-6


def test_bilinear_enlarging_is_pillows():
    array = np.random.default_rng(0).random((12, 9)).astype(np.float32)
    expected = np.asarray(Image.fromarray(array).resize((31, 40), Image.Resampling.BILINEAR))
    assert np.allclose(resize_bilinear(array, (31, 40)), expected, atol=1e-6)


def test_area_averaging_by_whole_numbers_is_the_mean_of_blocks():
    array = np.random.default_rng(0).integers(0, 256, (24, 36, 3)).astype(np.uint8)
    blocks = array.reshape(6, 4, 9, 4, 3).mean(axis=(1, 3))  # (24, 36, 3) -> (6, 4, 9, 4, 3) -> (6, 9, 3)
    assert np.allclose(resize_area(array, (9, 6)), blocks, atol=1e-4)


@pytest.mark.parametrize("resize", [resize_area, resize_bilinear])
def test_the_same_size_is_the_same_picture(resize):
    array = np.random.default_rng(0).random((5, 7, 2))
    assert np.array_equal(resize(array, (7, 5)), array)
    assert resize(array, (3, 2)).dtype == np.float64
    assert resize(np.ones((5, 7), np.uint8), (7, 5)).dtype == np.float32
    assert resize(np.ones((5, 7), bool), (4, 9)).dtype == np.float32


@pytest.mark.parametrize("resize", [resize_area, resize_bilinear])
def test_sizes_and_arrays_that_are_invalid(resize):
    with pytest.raises(UserError, match="a size of 0x5 pixels is no picture: both numbers must be at least 1"):
        resize(np.ones((2, 2)), (0, 5))
    with pytest.raises(UserError, match=r"an array to resize has the shape \(H, W\) or \(H, W, C\), not \(3,\)"):
        resize(np.ones(3), (2, 2))
