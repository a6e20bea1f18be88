"""Batches of crops: random ones for training, and for scoring a grid that covers every pixel."""

import numpy as np

from minunet.data.batches import Batches
from minunet.data.crops import CropWindow
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.preprocessing import Preprocessing


def test_random_crops_are_pieces_of_their_image_and_mask(mixed):
    batches = Batches(mixed, Preprocessing(channels="rgb", crop=10), 4, shuffle=True)
    by_name = {pair.name: (decode(pair.image), decode_mask(pair.mask)) for pair in mixed}
    found = [
        (image, mask, sample)
        for batch in batches.epoch(0)
        for image, mask, sample in zip(batch[0], batch[1], batch[2], strict=True)
    ]
    names = [sample.name for _, _, sample in found]
    assert {name: names.count(name) for name in set(names)} == {
        pair.name: 12 if "large" in pair.name else 4
        for pair in mixed  # 40x30 and 24x16 over 10x10, rounded
    }
    assert len(batches) == -(-len(found) // 4)
    places = set()
    for image, mask, sample in found:
        assert image.shape == (10, 10, 3)
        native, native_mask = by_name[sample.name]
        windows = np.lib.stride_tricks.sliding_window_view(native, (10, 10), axis=(0, 1))  # (H - 9, W - 9, 3, 10, 10)
        target = np.rint(np.moveaxis(image, -1, 0) * 255)
        (place,) = np.argwhere((windows == target).all(axis=(2, 3, 4)))
        top, left = place
        assert sample.window == CropWindow(top, left, top + 10, left + 10)
        assert np.array_equal(mask[..., 0], native_mask[top : top + 10, left : left + 10] // 255)
        places.add((sample.name, top, left))
    assert len(places) > 0.9 * len(found)


def test_images_smaller_than_a_crop_are_mirrored(pairs):
    batches = Batches(pairs, Preprocessing(crop=32), 7, shuffle=True)
    ((images, masks, samples),) = batches.epoch(0)
    assert images.shape == masks.shape == (7, 32, 32, 1)
    pair = next(pair for pair in pairs if pair.name == samples[0].name)
    assert samples[0].window is None
    assert np.array_equal(images[0, 8:24, 4:28], Preprocessing().image(decode(pair.image)))
    assert np.array_equal(masks[0, 7], masks[0, 9])
    assert np.array_equal(masks[0, :, 3], masks[0, :, 5])


def test_a_set_that_is_not_shuffled_is_cut_into_a_grid(mixed):
    batches = Batches(mixed, Preprocessing(crop=16), 4)
    seen = {pair.name: np.zeros(decode(pair.image).shape[:2], int) for pair in mixed}
    values = {pair.name: Preprocessing().image(decode(pair.image)) for pair in mixed}
    count = 0
    for images, _, samples in batches.epoch(0):
        count += 1
        for image, sample in zip(images, samples, strict=True):
            rows = slice(sample.window.top, sample.window.bottom)
            columns = slice(sample.window.left, sample.window.right)
            assert np.array_equal(image, values[sample.name][rows, columns])
            seen[sample.name][rows, columns] += 1
    assert count == len(batches)
    assert all(counts.min() == 1 for counts in seen.values())
    whole = Batches(mixed, Preprocessing(crop=64), 4)
    samples = [sample for _, _, samples in whole.epoch(0) for sample in samples]
    assert sorted(map(str, samples)) == sorted(whole.names)
