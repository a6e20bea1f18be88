"""Percentiles of many images together, from the few numbers that are kept of each."""

import numpy as np
import pytest

from minunet.data.reading.value_distribution import SHARES, ValueDistribution, pooled_percentile


def distribution(array):
    return ValueDistribution.of(array, array)


def test_one_image_gives_its_own_percentiles():
    values = np.random.default_rng(0).normal(size=(50, 60))
    measured = distribution(values)
    assert measured.dtype == "float64" and measured.pixels == 3000
    for share in (0, 0.001, 0.25, 0.5, 0.999, 1):
        expected = np.quantile(values, share)
        assert pooled_percentile([measured.grey], [measured.pixels], share) == pytest.approx(expected, abs=1e-9)
    assert SHARES[0] == 0 and SHARES[-1] == 1 and (np.diff(SHARES) > 0).all()


def test_images_weigh_by_their_pixels():
    rng = np.random.default_rng(0)
    images = [rng.normal(mean, 1, size) for mean, size in ((0, (40, 50)), (5, (80, 90)), (-9, (10, 10)))]
    every = np.concatenate([image.ravel() for image in images])
    measured = [distribution(image) for image in images]
    for share in (0.001, 0.01, 0.3, 0.7, 0.999):
        found = pooled_percentile([image.grey for image in measured], [image.pixels for image in measured], share)
        assert np.mean(every <= found) == pytest.approx(share, abs=0.002)


def test_levels_with_many_pixels():
    grey = np.repeat(np.array([0, 10, 200, 255], np.uint8), [5, 4995, 4995, 5]).reshape(100, 100)
    measured = distribution(grey)
    assert pooled_percentile([measured.grey], [1], 0.001) == 10
    assert pooled_percentile([measured.grey], [1], 0.999) == 200
    assert pooled_percentile([measured.grey], [1], 0.0) == 0
    most = np.zeros((50, 60), np.uint8)
    most[:9] = 7
    assert pooled_percentile([distribution(most).grey], [1], 0.001) == 0


def test_the_ends_are_those_of_the_whole_image_and_not_of_the_sample():
    image = np.zeros((8, 8, 2), np.int32)
    image[1, 1] = -7, 70000
    measured = ValueDistribution.of(image, image[::2, ::2])
    assert measured.channels[:, 0].tolist() == [-7, 0] and measured.channels[:, -1].tolist() == [0, 70000]


def test_grey_of_colours_is_their_luma():
    colours = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    luma = colours @ np.array([0.299, 0.587, 0.114])
    assert distribution(colours).grey[60] == pytest.approx(np.quantile(luma, SHARES[60]))
