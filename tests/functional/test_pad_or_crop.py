"""Padding and cropping at the bottom and right."""

import numpy as np
import pytest

from minunet import functional as F
from minunet import gradcheck
from tests.sample_arrays import distinct


@pytest.mark.parametrize("size", [(3, 4), (5, 4), (3, 6), (2, 4), (3, 1), (5, 2), (1, 7), (6, 6)])
def test_zeros_are_added_or_pixels_removed_at_the_bottom_and_right(size):
    x = distinct((2, 3, 4, 2))
    expected = np.zeros((2, *size, 2))
    h, w = min(size[0], 3), min(size[1], 4)
    expected[:, :h, :w] = x[:, :h, :w]
    np.testing.assert_array_equal(F.pad_or_crop(x, size).data, expected)
    assert gradcheck(lambda t: F.pad_or_crop(t, size), [x])


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match=r"pad_or_crop: size must be at least 1, got \(0, 4\)"):
        F.pad_or_crop(np.zeros((1, 2, 3, 1)), (0, 4))
