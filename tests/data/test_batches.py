import threading

import numpy as np
import pytest
from small_pictures import disc, photo, save

from minunet.data import batches as batches_module
from minunet.data.batches import Batches
from minunet.data.images import decode, decode_mask
from minunet.data.pairs import find_pairs
from minunet.data.preprocessing import Preprocessing
from minunet.data.store import Store, compact, machine_memory
from minunet.errors import UserError

SMALL = Preprocessing(size=(12, 8))


@pytest.fixture
def pairs(make_set):
    return find_pairs(make_set(*(f"s{i}" for i in range(7))))


@pytest.fixture
def mixed(make_set):
    """Five pairs of 24x16 and two of 40x30."""
    make_set(*(f"small{i}" for i in range(5)))
    return find_pairs(make_set("large0", "large1", size=(40, 30)))


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) and a[2] == b[2]
        for a, b in zip(first, second, strict=True)
    )


def refused(*args, **kwargs):
    with pytest.raises(UserError) as caught:
        Batches(*args, **kwargs).load()
    return caught.value.problems


@pytest.mark.parametrize("channels", ["grey", "rgb"])
@pytest.mark.parametrize("mask", ["binary", "grayscale"])
@pytest.mark.parametrize("size", [None, (12, 8), (24, 16)])
def test_unshuffled_batches_are_the_preprocessed_pairs_in_order(pairs, channels, mask, size):
    preprocessing = Preprocessing(channels=channels, mask=mask, size=size)
    batches = Batches(pairs, preprocessing, 3)
    assert len(batches) == 3
    assert batches.names == [f"s{i}" for i in range(7)]
    found = list(batches.epoch(0))
    assert [len(names) for _, _, names in found] == [3, 3, 1]
    assert [name for _, _, names in found for name in names] == batches.names
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
            name for _, _, names in Batches(pairs, SMALL, 2, shuffle=True, seed=seed).epoch(epoch) for name in names
        ]

    assert sorted(order(0, 0)) == [pair.name for pair in pairs]
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert order(1, 2) == order(1, 2)


@pytest.mark.parametrize(
    "preprocessing", [SMALL, Preprocessing(crop=10), Preprocessing(channels="rgb")], ids=["size", "crop", "native"]
)
@pytest.mark.parametrize("level", ["none", "light", "full"])
def test_an_epoch_depends_on_its_number_alone(mixed, preprocessing, level, monkeypatch):
    first = Batches(mixed, preprocessing, 2, augment=level, seed=3, shuffle=True)
    assert len(list(first.epoch(0))) == len(first)
    expected = list(first.epoch(1))
    fresh = Batches(mixed, preprocessing, 2, augment=level, seed=3, shuffle=True)
    assert same(list(fresh.epoch(1)), expected)
    assert same(list(fresh.epoch(1, start=2)), expected[2:])
    monkeypatch.setattr(batches_module, "_makers", lambda: 5)
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


def test_random_crops_are_pieces_of_their_image_and_mask(mixed):
    batches = Batches(mixed, Preprocessing(channels="rgb", crop=10), 4, shuffle=True)
    by_name = {pair.name: (decode(pair.image), decode_mask(pair.mask)) for pair in mixed}
    found = [
        (image, mask, name)
        for batch in batches.epoch(0)
        for image, mask, name in zip(batch[0], batch[1], batch[2], strict=True)
    ]
    names = [name for _, _, name in found]
    assert {name: names.count(name) for name in set(names)} == {
        pair.name: 12 if "large" in pair.name else 4
        for pair in mixed  # 40x30 and 24x16 over 10x10, rounded
    }
    assert len(batches) == -(-len(found) // 4)
    places = set()
    for image, mask, name in found:
        assert image.shape == (10, 10, 3)
        native, native_mask = by_name[name]
        windows = np.lib.stride_tricks.sliding_window_view(native, (10, 10), axis=(0, 1))  # (H - 9, W - 9, 3, 10, 10)
        target = np.rint(np.moveaxis(image, -1, 0) * 255)
        (place,) = np.argwhere((windows == target).all(axis=(2, 3, 4)))
        top, left = place
        assert np.array_equal(mask[..., 0], native_mask[top : top + 10, left : left + 10] // 255)
        places.add((name, top, left))
    assert len(places) > 0.9 * len(found)


def test_images_smaller_than_a_crop_are_mirrored(pairs):
    batches = Batches(pairs, Preprocessing(crop=32), 7, shuffle=True)
    ((images, masks, names),) = batches.epoch(0)
    assert images.shape == masks.shape == (7, 32, 32, 1)
    pair = next(pair for pair in pairs if pair.name == names[0])
    assert np.array_equal(images[0, 8:24, 4:28], Preprocessing().image(decode(pair.image)))
    assert np.array_equal(masks[0, 7], masks[0, 9])
    assert np.array_equal(masks[0, :, 3], masks[0, :, 5])


def test_a_set_that_is_not_shuffled_is_cut_into_a_grid(mixed):
    batches = Batches(mixed, Preprocessing(crop=16), 4)
    seen = {pair.name: np.zeros(decode(pair.image).shape[:2], int) for pair in mixed}
    values = {pair.name: Preprocessing().image(decode(pair.image)) for pair in mixed}
    count = 0
    for images, _, names in batches.epoch(0):
        count += 1
        for image, piece in zip(images, names, strict=True):
            name, place = piece.split(" ", 1)
            rows, columns = (slice(*map(int, part.split(":"))) for part in place.strip("[]").split(", "))
            assert np.array_equal(image, values[name][rows, columns])
            seen[name][rows, columns] += 1
    assert count == len(batches)
    assert all(counts.min() == 1 for counts in seen.values())
    whole = Batches(mixed, Preprocessing(crop=64), 4)
    assert sorted(name for _, _, names in whole.epoch(0) for name in names) == sorted(whole.names)


def test_example_is_what_the_epoch_shows(pairs):
    batches = Batches(pairs, SMALL, 2, augment="full", seed=1, shuffle=True)
    shown = {name: (image, mask) for batch in batches.epoch(4) for image, mask, name in zip(*batch, strict=True)}
    for index, name in enumerate(batches.names):
        image, mask = batches.example(index, 4)
        assert np.array_equal(image, shown[name][0])
        assert np.array_equal(mask, shown[name][1])
    crops = Batches(pairs, Preprocessing(crop=10), 2, shuffle=True)
    assert crops.example(3, 0)[0].shape == (10, 10, 1)
    assert not np.array_equal(crops.example(3, 0)[0], crops.example(3, 1)[0])


def test_loading_tells_its_progress_once(pairs):
    told = []
    batches = Batches(pairs, SMALL, 2).load(progress=lambda done, total: told.append((done, total)))
    assert told == [(i, 7) for i in range(8)]
    batches.load(progress=lambda done, total: told.append((done, total)))
    assert len(told) == 8
    assert batches.nbytes == 7 * (12 * 8 * 4 + 12 * 8)


def test_stopping_early_or_being_interrupted_leaves_no_thread_behind(pairs):
    batches = Batches(pairs, SMALL, 1, augment="full", shuffle=True).load()
    before = threading.active_count()
    epoch = batches.epoch(0)
    next(epoch)
    assert threading.active_count() > before
    epoch.close()
    assert threading.active_count() == before
    epoch = batches.epoch(0)
    next(epoch)
    with pytest.raises(KeyboardInterrupt):
        epoch.throw(KeyboardInterrupt)
    assert threading.active_count() == before
    with pytest.raises(KeyboardInterrupt):
        for _ in batches.epoch(0):
            raise KeyboardInterrupt
    assert len(list(batches.epoch(0))) == 7


def test_an_interrupted_load_can_be_begun_again(pairs):
    batches = Batches(pairs, SMALL, 1)

    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batches.load(progress=interrupt)
    assert same(list(batches.epoch(0)), list(Batches(pairs, SMALL, 1).epoch(0)))
    assert batches.nbytes == Batches(pairs, SMALL, 1).load().nbytes


def test_batches_are_made_ahead(pairs, monkeypatch):
    made = []
    make = Batches._make

    def recorded(self, members, epoch):
        batch = make(self, members, epoch)
        made.append(batch[2])
        ready.set()
        return batch

    ready = threading.Event()
    monkeypatch.setattr(Batches, "_make", recorded)
    batches = Batches(pairs, SMALL, 1)
    epoch = batches.epoch(0)
    first = next(epoch)
    while len(made) < 2:  # the second comes without being asked for
        ready.wait(10)
        ready.clear()
    assert made[0] == first[2]
    assert len(made) < 7
    epoch.close()


def test_files_that_changed_since_the_check_are_all_told(pairs):
    pairs[1].image.unlink()
    save(pairs[4].mask, disc(size=(5, 5)))
    (pairs[5].mask).write_text("x")
    assert refused(pairs, SMALL, 2) == [
        f"{pairs[1].image} does not exist: check the name.",
        f"{pairs[4].mask} has 5x5 pixels but {pairs[4].image} has 24x16: export the mask at the size of its image.",
        f"{pairs[5].mask} is a text file, not an image (it begins with 'x'): remove it or put the real image there.",
    ]


def test_a_file_lost_while_training_is_told(pairs):
    batches = Batches(pairs, SMALL, 2, limit=0).load()
    pairs[3].image.unlink()
    with pytest.raises(UserError, match="s3.png does not exist: check the name"):
        list(batches.epoch(0))


def test_arguments_that_cannot_be_are_told_at_once():
    assert refused([], SMALL, 0, augment="some", seed=-1) == [
        "batches of no pairs were asked for: give at least one pair.",
        "batch size 0: give at least 1.",
        "augmentation 'some': choose none, light or full.",
        "seed -1: give a whole number from 0 up.",
    ]


def test_what_is_kept_is_as_small_as_is_exact(tmp_path):
    save(tmp_path / "images" / "a.png", photo())
    save(tmp_path / "masks" / "a.png", disc())
    pairs = find_pairs(tmp_path)
    for preprocessing, size in (
        (Preprocessing(channels="rgb"), 24 * 16 * (3 + 1)),
        (Preprocessing(), 24 * 16 * (4 + 1)),  # a luma of three channels is no whole number of 255ths
        (Preprocessing(channels="rgb", size=(12, 8)), 12 * 8 * (12 + 1)),
    ):
        store = Store(pairs, preprocessing)
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
    one = Store(pairs[:1], SMALL)
    one.load()
    store = Store(pairs, SMALL, limit=3 * one.nbytes)
    store.load()
    assert store.nbytes == 3 * one.nbytes
    assert machine_memory() > 2**20


def test_real_set(real_smears):
    pairs = find_pairs(real_smears)[:6]
    batches = Batches(pairs, Preprocessing(size=(64, 48)), 4, augment="full", seed=1, shuffle=True)
    for images, masks, _ in batches.epoch(0):
        assert images.shape == masks.shape == (len(images), 48, 64, 1)
        assert set(np.unique(masks)) == {0, 1}
        cells, background = images[masks == 1], images[masks == 0]
        assert cells.mean() < background.mean()
