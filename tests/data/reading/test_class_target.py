"""The target of a network with classes: indices at the size of the network's input, of the largest share of each pixel."""

import numpy as np
import pytest

from minunet.data.reading.preprocessing import IGNORED, Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from tests.data.reading.class_masks import class_indices, reading, stored


def test_at_its_own_size_it_holds_the_indices():
    target = Preprocessing(reading=reading()).class_target(stored())
    assert target.dtype == np.float32 and target.shape == (96, 96, 1)
    assert np.array_equal(target[..., 0], class_indices())


def test_a_pixel_has_the_class_of_its_largest_share():
    index = np.array([[0, 0, 3, 3], [1, 3, 1, 2], [2, 2, 0, 1], [2, 1, 4, 4]], np.uint8)
    preprocessing = Preprocessing(reading=reading(), size=(2, 2))
    # Half of the first pixel is cell, in equal parts 1 and 3; 3 has two parts of the second, 2 of the third, 4 of the last.
    assert preprocessing.class_target(StoredMask(index))[..., 0].tolist() == [[1, 3], [2, 4]]


def test_equal_shares_are_the_first_class():
    index = np.array([[4, 4, 1, 2], [1, 1, 3, 4]], np.uint8)
    assert Preprocessing(reading=reading(), size=(2, 1)).class_target(StoredMask(index))[..., 0].tolist() == [[1, 1]]


def test_classes_between_others_do_not_appear_when_the_mask_is_resized():
    index = np.zeros((9, 9), np.uint8)
    index[:, 4:] = 4  # a mean of 0 and 4 would be 1, 2 or 3
    target = Preprocessing(reading=reading(), size=(4, 5)).class_target(StoredMask(index))
    assert set(np.unique(target)) == {0, 4}


def test_ignored_pixels_stay_so():
    found = reading("background,red,white,nucleus", stored((0, 1, 2, 3, 250)), ignore="250")
    mask = StoredMask(np.array([[250, 250, 1, 1], [250, 1, 1, 250]], np.uint8))
    target = Preprocessing(reading=found, size=(2, 1)).class_target(mask)
    assert target[..., 0].tolist() == [[IGNORED, 1]]


def test_cell_is_every_class_but_the_background():
    for size in (None, (48, 48)):
        preprocessing = Preprocessing(reading=reading(), size=size)
        cell = preprocessing.target(stored())
        assert np.array_equal(preprocessing.class_target(stored()) > 0, cell)


def test_a_reading_without_classes_has_no_such_target():
    with pytest.raises(ValueError, match="has no classes"):
        Preprocessing().class_target(stored())
