"""The four kinds of targets, on a mask small enough to work out by hand."""

import numpy as np
import pytest

from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.stored_mask import StoredMask
from minunet.experiments.mask_targets import mask_target, sixteen_bit

# 4x2 pixels, resized to 2x1: the left half is cell in one of four pixels, the right half in all.
MASK = np.array([[0, 0, 255, 255], [255, 0, 255, 255]], np.uint8)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("binary", [0.0, 1.0]),
        ("resized", [0.25, 1.0]),
        ("stored", [0.25, 1.0]),
        ("levels", [(3 * 51 + 204) / 4 / 255, 204 / 255]),
    ],
)
def test_kinds_of_a_black_and_white_mask(kind, expected):
    values = mask_target(MASK, kind, (2, 1), levels=(0.2, 0.8))
    assert values.shape == (1, 2, 1)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.ravel(), expected, atol=1e-6)


def test_a_graded_mask_keeps_its_greys_only_as_stored():
    graded = np.array([[40, 40, 200, 200], [60, 40, 200, 180]], np.uint8)
    np.testing.assert_allclose(mask_target(graded, "stored", (4, 2))[..., 0], graded / 255, atol=1e-6)
    for kind in ("binary", "resized"):
        np.testing.assert_array_equal(mask_target(graded, kind, (4, 2))[..., 0], graded > 100)


def test_two_stored_greys_are_not_stretched_to_black_and_white():
    two = np.array([[64, 192]], np.uint8)
    np.testing.assert_allclose(mask_target(two, "stored", (2, 1)).ravel(), [64 / 255, 192 / 255], atol=1e-6)


def test_a_sixteen_bit_mask_is_read_against_its_own_full_scale():
    two = np.array([[0, 65535], [16384, 49152]], np.uint16)
    np.testing.assert_allclose(mask_target(two, "stored", (2, 2))[..., 0], two / 65535, atol=1e-6)


def test_the_cut_is_where_it_is_asked_for():
    graded = np.array([[0, 100, 150, 255]], np.uint8)
    assert mask_target(graded, "binary", (4, 1), threshold=0.5).ravel().tolist() == [0, 0, 1, 1]
    assert mask_target(graded, "resized", (4, 1), threshold=0.3).ravel().tolist() == [0, 1, 1, 1]


def test_sixteen_bits_keep_every_grey_of_eight_and_forget_the_rounding_of_a_mean():
    whole = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(sixteen_bit(whole / np.float32(255)), whole.astype(np.uint16) * 257)
    rounded = np.array([6e-8, 1 - 6e-8, 1e-4, 1 - 1e-4], np.float32)
    assert sixteen_bit(rounded).tolist() == [0, 65535, 7, 65528]


def test_one_reading_for_all_masks():
    numbered = StoredMask(np.array([[0, 0, 3, 900], [0, 0, 3, 900]], np.uint16))
    reading = MaskReading("numbered cells", ">0", bits=16)
    for kind in ("binary", "resized", "stored"):
        np.testing.assert_array_equal(mask_target(numbered, kind, (2, 1), reading=reading).ravel(), [0, 1])
    np.testing.assert_allclose(
        mask_target(numbered, "levels", (2, 1), levels=(0.2, 0.8), reading=reading).ravel(), [0.2, 0.8], atol=1e-6
    )
