"""Batches: order, augmentation and shapes of an epoch depend only on its number and the seed."""

import numpy as np
import pytest

from minunet.data import batches as batches_module
from minunet.data.batches import Batches
from minunet.data.crops import Sample
from minunet.data.pairs import find_pairs
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.preprocessing import Preprocessing
from tests.data.small_batches import SMALL, same


@pytest.mark.parametrize("channels", ["grey", "rgb"])
@pytest.mark.parametrize("mask", ["binary", "grayscale"])
@pytest.mark.parametrize("size", [None, (12, 8), (24, 16)])
def test_unshuffled_batches_are_the_preprocessed_pairs_in_order(pairs, channels, mask, size):
    preprocessing = Preprocessing(channels=channels, mask=mask, size=size)
    batches = Batches(pairs, preprocessing, 3)
    assert len(batches) == 3
    assert batches.names == [f"s{i}" for i in range(7)]
    found = list(batches.epoch(0))
    assert [len(samples) for _, _, samples in found] == [3, 3, 1]
    assert [sample for _, _, samples in found for sample in samples] == [Sample(name) for name in batches.names]
    for array, read, prepare in (
        (np.concatenate([images for images, _, _ in found]), lambda p: decode(p.image), preprocessing.image),
        (np.concatenate([masks for _, masks, _ in found]), lambda p: decode_mask(p.mask), preprocessing.target),
    ):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert np.array_equal(array, np.stack([prepare(read(pair)) for pair in pairs]))
    assert same(found, list(batches.epoch(5)))


def test_shuffling_changes_the_order_with_the_epoch_and_the_seed(pairs):
    def order(seed, epoch):
        return [
            sample.name
            for _, _, samples in Batches(pairs, SMALL, 2, shuffle=True, seed=seed).epoch(epoch)
            for sample in samples
        ]

    assert sorted(order(0, 0)) == [pair.name for pair in pairs]
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert order(1, 2) == order(1, 2)


@pytest.mark.parametrize(
    "preprocessing", [SMALL, Preprocessing(crop=10), Preprocessing(channels="rgb")], ids=["size", "crop", "native"]
)
@pytest.mark.parametrize("level", ["none", "light", "full"])
def test_an_epoch_depends_only_on_its_number_and_the_seed(mixed, preprocessing, level, monkeypatch):
    first = Batches(mixed, preprocessing, 2, augment=level, seed=3, shuffle=True)
    assert len(list(first.epoch(0))) == len(first)
    expected = list(first.epoch(1))
    fresh = Batches(mixed, preprocessing, 2, augment=level, seed=3, shuffle=True)
    assert same(list(fresh.epoch(1)), expected)
    assert same(list(fresh.epoch(1, start=2)), expected[2:])
    monkeypatch.setattr(batches_module, "_thread_count", lambda: 5)
    assert same(list(fresh.epoch(1)), expected)
    read_again = Batches(mixed, preprocessing, 2, augment=level, seed=3, shuffle=True, limit=0)
    assert same(list(read_again.epoch(1)), expected)
    assert read_again.nbytes == 0 < fresh.nbytes
    assert not same(list(fresh.epoch(2)), expected)
    assert not same(list(Batches(mixed, preprocessing, 2, augment=level, seed=4, shuffle=True).epoch(1)), expected)


def test_examples_are_augmented_each_on_its_own(make_set, tmp_path):
    make_set("a")
    for name in ("b", "c", "d"):
        for folder in ("images", "masks"):
            (tmp_path / folder / f"{name}.png").write_bytes((tmp_path / folder / "a.png").read_bytes())
    images, _, _ = next(Batches(find_pairs(tmp_path), SMALL, 4, augment="full", shuffle=True).epoch(0))
    assert len({image.tobytes() for image in images}) == 4


def test_images_of_one_shape_share_a_batch(mixed):
    batches = Batches(mixed, Preprocessing(), 3, shuffle=True)
    assert len(batches) == 3
    assert batches.shapes() == [(2, 30, 40), (3, 16, 24), (2, 16, 24)]
    for epoch in range(4):
        found = list(batches.epoch(epoch))
        assert len(found) == 3
        assert sorted(images.shape for images, _, _ in found) == [(2, 16, 24, 1), (2, 30, 40, 1), (3, 16, 24, 1)]
        for images, masks, _ in found:
            assert images.shape == masks.shape


def test_example_is_what_the_epoch_shows(pairs):
    batches = Batches(pairs, SMALL, 2, augment="full", seed=1, shuffle=True)
    shown = {
        sample.name: (image, mask) for batch in batches.epoch(4) for image, mask, sample in zip(*batch, strict=True)
    }
    for index, name in enumerate(batches.names):
        image, mask = batches.example(index, 4)
        assert np.array_equal(image, shown[name][0])
        assert np.array_equal(mask, shown[name][1])
    crops = Batches(pairs, Preprocessing(crop=10), 2, shuffle=True)
    assert crops.example(3, 0)[0].shape == (10, 10, 1)
    assert not np.array_equal(crops.example(3, 0)[0], crops.example(3, 1)[0])


def test_real_set(real_smears):
    pairs = find_pairs(real_smears)[:6]
    batches = Batches(pairs, Preprocessing(size=(64, 48)), 4, augment="full", seed=1, shuffle=True)
    for images, masks, _ in batches.epoch(0):
        assert images.shape == masks.shape == (len(images), 48, 64, 1)
        assert set(np.unique(masks)) == {0, 1}
        cells, background = images[masks == 1], images[masks == 0]
        assert cells.mean() < background.mean()
