import numpy as np
import pytest
from scipy import ndimage

from minunet.cells.gaussian_filter import gaussian_filter, with_margin


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (23, 4), (30, 41)])
@pytest.mark.parametrize("sigma", [0, 0.3, 1.2, 5.0])
def test_it_is_that_of_scipy(shape, sigma):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = ndimage.gaussian_filter(array, sigma, mode="constant")
    smooth = gaussian_filter(array, sigma)
    assert smooth.dtype == np.float32
    assert smooth == pytest.approx(expected, abs=2e-6)


def test_a_margin_is_that_of_numpy():
    array = np.arange(6).reshape(2, 3)
    assert np.array_equal(with_margin(array, 3), np.pad(array, 3))
