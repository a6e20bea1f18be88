"""Pixels that are ignored stay exactly that: when a mask is resized, kept in memory, cropped and augmented, and in the scores."""

import numpy as np

from minunet.data.augmentation import augment
from minunet.data.image_store import compact
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import IGNORED, Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.mask_limits import MaskLimits
from minunet.inference.metrics import SegmentationMetrics, count_examples

READING = MaskReading("levels", ">0", ignore="255")


def drawn():
    """A cell in the middle, beside a band that is ignored: (16, 24) uint8."""
    values = np.zeros((16, 24), np.uint8)
    values[4:12, 6:16] = 1
    values[:, 16:] = 255
    return values


def test_resized():
    target = Preprocessing(size=(12, 8), reading=READING).target(StoredMask(drawn()))[..., 0]
    np.testing.assert_array_equal(target, np.where(drawn() == 255, -1.0, drawn())[::2, ::2])
    odd = drawn()
    odd[:, 15] = 255  # half of a pixel of the target
    target = Preprocessing(size=(12, 8), reading=READING).target(StoredMask(odd))[..., 0]
    np.testing.assert_array_equal(target[2:6, 7], 1)  # the half that counts is cell
    assert set(np.unique(target)) == {-1, 0, 1}


def test_graded():
    values = np.array([[0, 51, 255, 7]], np.uint8)
    reading = MaskReading("greys", ">127.5", ignore="7")
    target = Preprocessing(mask="grayscale", reading=reading).target(StoredMask(values))
    np.testing.assert_allclose(target[..., 0], [[0, 0.2, 1, IGNORED]], rtol=1e-6)


def test_kept_in_memory():
    target = Preprocessing(reading=READING).target(StoredMask(drawn()))
    kept = compact(target)
    assert kept.dtype == np.int8
    np.testing.assert_array_equal(kept.astype(np.float32), target)
    graded = np.where(target == 1, np.float32(0.3), target)
    assert compact(graded) is graded


def test_augmented():
    mask = Preprocessing(reading=READING).target(StoredMask(drawn()))
    for seed in range(8):
        for level in ("light", "full"):
            _, varied = augment(np.zeros((*mask.shape[:2], 1), np.float32), mask, np.random.default_rng(seed), level)
            assert set(np.unique(varied)) == {-1, 0, 1}
            assert 0.5 < (varied == IGNORED).sum() / (mask == IGNORED).sum() < 1.5


def test_scores_leave_them_out():
    mask = Preprocessing(reading=READING).target(StoredMask(drawn()))[None]
    logits = np.random.default_rng(0).normal(0, 3, mask.shape).astype(np.float32)
    whole, cut = SegmentationMetrics(), SegmentationMetrics()
    whole.update_logits(logits, mask)
    cut.update_logits(logits[:, :, :16], mask[:, :, :16])
    assert whole.result() == cut.result()
    probability = 1 / (1 + np.exp(-logits))
    whole.update(probability, mask)
    cut.update(probability[:, :, :16], mask[:, :, :16])
    assert whole.result() == cut.result()
    assert MaskLimits.of([mask]) == MaskLimits.of([mask[:, :, :16]])


def test_an_image_that_is_all_ignored_changes_nothing():
    mask = Preprocessing(reading=READING).target(StoredMask(drawn()))[None]
    logits = np.random.default_rng(0).normal(0, 3, mask.shape).astype(np.float32)
    metrics = SegmentationMetrics()
    metrics.update_logits(logits, mask, ["a"])
    result, mean = metrics.result(), metrics.mean()
    metrics.update_logits(logits, np.full_like(mask, IGNORED), ["b"])
    assert metrics.result() == result and metrics.mean() == mean
    assert count_examples(np.concatenate([mask, np.full_like(mask, IGNORED)])) == 1
