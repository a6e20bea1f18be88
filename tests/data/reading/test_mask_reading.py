"""What a reading gives of a mask besides cell or not: the numbers of the cells, and greys."""

import numpy as np

from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.reading.mask_sets import chosen, drawn_labels, soft, stored, two, write_set


def test_the_numbers_are_kept(tmp_path):
    pairs, _ = write_set(tmp_path, stored(lambda labels: np.where(labels, labels * 337 + 3900, 0).astype(np.uint16)))
    mask = read_mask(pairs[1])
    labels = chosen(pairs).reading.labels(mask)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, mask.values)
    pairs, _ = write_set(
        tmp_path / "b", stored(lambda labels: np.where(labels, labels + 2**31, 0).astype(np.uint32), tiff=True)
    )
    np.testing.assert_array_equal(chosen(pairs).reading.labels(read_mask(pairs[1])), drawn_labels(1))
    pairs, _ = write_set(tmp_path / "c", stored(two(0, 255)))
    assert chosen(pairs).reading.labels(read_mask(pairs[1])) is None


def test_greys_are_kept_where_they_are_asked_for(tmp_path):
    pairs, _ = write_set(tmp_path, soft(lambda labels: 255.0 * (labels > 0)))
    reading, mask = chosen(pairs).reading, read_mask(pairs[0])
    target = Preprocessing(mask="grayscale", reading=reading).target(mask)
    np.testing.assert_array_equal(target, Preprocessing(mask="grayscale").target(mask))
    levels, _ = write_set(tmp_path / "levels", stored(lambda labels: ((labels % 3) * 100).astype(np.uint8)))
    reading = chosen(levels, grayscale=True).reading
    mask_of_levels = read_mask(levels[0])
    np.testing.assert_allclose(reading.shares(mask_of_levels), mask_of_levels.values / 255, rtol=1e-6)
    dark = chosen(pairs, invert=True).reading
    np.testing.assert_allclose(Preprocessing(mask="grayscale", reading=dark).target(mask), 1 - target, atol=1e-6)
