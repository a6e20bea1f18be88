"""Counts of the values of a mask: pixels, borders, flat squares, regions, and how round its two sides are."""

import numpy as np
import pytest

from minunet.data.reading import mask_counts
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.stored_mask import StoredMask
from tests.data.reading.mask_sets import drawn_labels

RING = np.array(
    [
        [0, 0, 0, 0, 0, 7],
        [0, 5, 5, 5, 0, 7],
        [0, 5, 0, 5, 0, 0],
        [0, 5, 5, 5, 0, 7],
        [0, 0, 0, 0, 0, 7],
    ],
    np.uint16,
)


def test_a_ring_and_two_bars():
    counts = MaskCounts.of(StoredMask(RING))
    assert counts.values.tolist() == [0, 5, 7]
    assert counts.pixels.tolist() == [18, 8, 4]
    assert counts.frame.tolist() == [14, 0, 4]
    assert counts.flat.tolist() == [0, 0, 0]
    # Regions minus holes, with eight neighbours: 0 is one region with a hole and one in the ring, 5 a ring, 7 two bars.
    np.testing.assert_allclose(counts.objects, [1 - 1 + 1, 0, 2], atol=1e-9)


@pytest.mark.parametrize("band", [1, 97, 300, 10**6])
def test_the_rows_may_be_looked_at_in_parts(band, monkeypatch):
    labels = drawn_labels(3)
    whole = MaskCounts.of(StoredMask(labels.astype(np.uint8)))
    monkeypatch.setattr(mask_counts, "BAND", band)
    parts = MaskCounts.of(StoredMask(labels.astype(np.int32)))
    assert parts.flat.tolist() == whole.flat.tolist()
    np.testing.assert_allclose(parts.objects, whole.objects)
    np.testing.assert_allclose(whole.objects[1:], 1)
    assert parts.roundness == whole.roundness


def test_discs_are_round_and_what_surrounds_them_is_not():
    dark, light = MaskCounts.of(StoredMask(drawn_labels(0) > 0)).roundness
    assert dark < 0 and 0.8 < light < 1.1
    assert MaskCounts.of(StoredMask(drawn_labels(0) == 0)).roundness == (light, dark)


def test_more_values_than_are_kept_are_rounded():
    noise = np.random.default_rng(0).normal(0, 1, (300, 300)).astype(np.float32)
    counts = MaskCounts.of(StoredMask(noise))
    assert len(counts.values) < 2048 and counts.size == noise.size
