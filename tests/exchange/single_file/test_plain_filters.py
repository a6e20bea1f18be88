"""The filters in plain NumPy against those of SciPy and scikit-image: equal, bit for bit where that can be."""

import numpy as np
import pytest

from minunet.exchange.single_file.plain_filters import PlainFilters, require

ndimage = pytest.importorskip("scipy.ndimage")
segmentation = pytest.importorskip("skimage.segmentation")
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
SHAPES = [(1, 1), (1, 9), (9, 1), (2, 3), (37, 23), (64, 91)]


def masks(seed=0):
    """Masks of blobs, in several shapes, each with a pixel outside."""
    rng = np.random.default_rng(seed)
    for shape in SHAPES:
        smooth = ndimage.gaussian_filter(rng.normal(size=shape), 2.0)
        mask = smooth > np.quantile(smooth, 0.4)
        mask.flat[rng.integers(mask.size)] = False
        yield mask


def test_regions_have_the_numbers_and_the_boxes_of_scipy():
    for mask in masks():
        labels, count = PlainFilters.label(mask)
        of_scipy, scipy_count = ndimage.label(mask)
        assert count == scipy_count and np.array_equal(labels, of_scipy)
        assert PlainFilters.find_objects(labels) == ndimage.find_objects(of_scipy)


def test_distances_are_those_of_scipy_bit_for_bit():
    for mask in masks():
        assert np.array_equal(PlainFilters.distance_transform_edt(mask), ndimage.distance_transform_edt(mask))


@pytest.mark.parametrize("sigma", [0.1, 0.7, 2.3, 9.0])
def test_smoothing_has_the_bits_of_scipy(sigma):
    for mask in masks():
        array = ndimage.distance_transform_edt(mask).astype(np.float32)
        smooth = PlainFilters.gaussian_filter(array, sigma, mode="nearest", truncate=3)
        expected = ndimage.gaussian_filter(array, sigma, mode="nearest", truncate=3)
        assert smooth.dtype == np.float32 and np.array_equal(smooth, expected)


def test_the_largest_neighbour_is_that_of_scipy():
    for shape in SHAPES:
        array = np.random.default_rng(1).permutation(np.arange(np.prod(shape))).reshape(shape).astype(np.float32)
        expected = ndimage.maximum_filter(array, footprint=CROSS, mode="nearest")
        assert np.array_equal(PlainFilters.maximum_filter(array, footprint=CROSS, mode="nearest"), expected)


def test_the_watershed_is_that_of_scikit_image():
    for mask in masks(2):
        rng = np.random.default_rng(3)  # all heights are different, so that the order of flooding is settled
        height = (rng.permutation(mask.size).reshape(mask.shape) / mask.size).astype(np.float32)
        height = ndimage.gaussian_filter(height, 1.5, mode="nearest")
        seeds, _ = ndimage.label(mask & (ndimage.minimum_filter(height, footprint=CROSS, mode="nearest") == height))
        expected = segmentation.watershed(height, seeds, mask=mask)
        assert np.array_equal(PlainFilters.watershed(height, seeds, mask=mask), expected)


def test_of_two_equal_pixels_the_one_that_was_reached_first_is_flooded_first():
    seeds = np.zeros((1, 9), int)
    seeds[0, 0], seeds[0, 8] = 1, 2
    flooded = PlainFilters.watershed(np.zeros((1, 9), np.float32), seeds, mask=np.ones((1, 9), bool))
    assert np.array_equal(flooded, [[1, 1, 1, 1, 1, 2, 2, 2, 2]])
    assert np.array_equal(flooded, segmentation.watershed(np.zeros((1, 9)), seeds, mask=np.ones((1, 9), bool)))


def test_other_filters_are_not_there():
    assert require("scipy.ndimage") is PlainFilters
    with pytest.raises(AssertionError):
        PlainFilters.gaussian_filter(np.zeros((3, 3), np.float32), 1.0, mode="reflect", truncate=3)
    with pytest.raises(AssertionError):
        PlainFilters.maximum_filter(np.zeros((3, 3), np.float32), footprint=np.ones((3, 3), bool), mode="nearest")
