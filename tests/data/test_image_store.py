"""The store of preprocessed images: as small as is exact, and no larger than its limit."""

import numpy as np
import pytest

from minunet.data.crops import CropWindow
from minunet.data.image_store import ImageStore, compact
from minunet.data.outputs import Outputs
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.data.target_maps import targets
from tests.data.small_batches import SMALL
from tests.data.small_pictures import disc, photo, save


def test_images_are_stored_as_compactly_as_is_exact(tmp_path):
    save(tmp_path / "images" / "a.png", photo())
    save(tmp_path / "masks" / "a.png", disc())
    pairs = find_pairs(tmp_path)
    for preprocessing, size in (
        (Preprocessing(channels="rgb"), 24 * 16 * (3 + 1)),
        (Preprocessing(), 24 * 16 * (4 + 1)),  # the luma of three channels is not always a multiple of 1 / 255
        (Preprocessing(channels="rgb", size=(12, 8)), 12 * 8 * (12 + 1)),
    ):
        store = ImageStore(pairs, preprocessing)
        store.load()
        assert store.nbytes == size
        image, mask = store.get(0)
        assert np.array_equal(image, preprocessing.image(photo()))
        assert np.array_equal(mask, preprocessing.target(disc()))


def test_compact_keeps_every_bit():
    levels = (np.arange(256) / np.float32(255)).astype(np.float32).reshape(16, 16)
    assert compact(levels).dtype == np.uint8
    assert np.array_equal(compact(levels) / np.float32(255), levels)
    nearly = levels.copy()
    nearly[3, 5] = np.nextafter(nearly[3, 5], np.float32(1))
    assert compact(nearly) is nearly


def test_the_limit_is_kept(pairs):
    one = ImageStore(pairs[:1], SMALL)
    one.load()
    store = ImageStore(pairs, SMALL, limit=3 * one.nbytes)
    store.load()
    assert store.nbytes == 3 * one.nbytes


def test_images_are_brought_to_a_cell_diameter(tmp_path):
    for name, diameter in (("a", 10), ("b", 20), ("empty", 0)):
        rows, columns = np.mgrid[:60, :80]
        mask = (rows - 30) ** 2 + (columns - 40) ** 2 < diameter**2 / 4
        save(tmp_path / "images" / f"{name}.png", (200 - 100 * mask).astype(np.uint8))
        save(tmp_path / "masks" / f"{name}.png", (255 * mask).astype(np.uint8))
    pairs = find_pairs(tmp_path)
    store = ImageStore(pairs, Preprocessing(diameter=15), measure=True)
    store.load()
    heights = dict(zip((pair.name for pair in pairs), (height for height, _ in store.shapes), strict=True))
    assert heights == {
        "a": pytest.approx(90, rel=0.1),
        "b": pytest.approx(45, rel=0.1),
        "empty": pytest.approx(60, rel=0.1),
    }
    assert [store.diameters[number] for number in range(3)] == [
        pytest.approx(15, rel=0.1),
        pytest.approx(15, rel=0.1),
        0,
    ]
    image, mask = store.get(0)
    assert image.shape == mask.shape == (*store.shapes[0], 1)
    limited = ImageStore(pairs, Preprocessing(diameter=15), limit=0)  # every pair is read again
    limited.load()
    assert np.array_equal(limited.get(0)[0], image)


@pytest.mark.parametrize("separation", ["distance", "centre", "seam"])
def test_targets_of_several_channels_are_stored_in_three_bytes_a_pixel(tmp_path, separation):
    pytest.importorskip("scipy")
    save(tmp_path / "images" / "a.png", photo())
    save(tmp_path / "masks" / "a.png", disc())
    preprocessing, outputs = Preprocessing(channels="rgb"), Outputs(separation=separation)
    store = ImageStore(find_pairs(tmp_path), preprocessing, outputs=outputs)
    store.load()
    assert store.nbytes == 24 * 16 * (3 + 3)
    _, target = store.get(0)
    assert np.array_equal(target, targets(StoredMask(disc()), preprocessing, outputs))
    _, part = store.get(0, CropWindow(2, 3, 10, 14))
    assert np.array_equal(part, target[2:10, 3:14])
