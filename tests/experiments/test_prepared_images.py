"""Prepared images: the same pixels as preprocessing on the fly, written once, with limits worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import Pair
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import Split
from minunet.experiments.mask_targets import KINDS
from minunet.experiments.prepared_images import PreparedImages
from tests.data.tiffs import write_tiff

SIZE = (6, 4)


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    found = []
    for number in range(3):
        image = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
        mask = np.zeros((9, 13), np.uint8)
        mask[2:7, 3 + number : 9] = 255
        pair = Pair(f"side/p{number}", tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png")
        Image.fromarray(image).save(pair.image)
        Image.fromarray(mask).save(pair.mask)
        found.append(pair)
    return found


def test_prepared_files_hold_what_preprocessing_gives(pairs, tmp_path):
    prepared = PreparedImages(tmp_path / "prepared", levels=(0.2, 0.8))
    prepared.write(pairs, {SIZE: KINDS})
    for kind, mode in (("binary", "binary"), ("resized", "grayscale"), ("stored", "grayscale")):
        direct = Preprocessing(size=SIZE, mask=mode)
        again = Preprocessing(size=SIZE, mask=mode)
        for pair, small in zip(pairs, prepared.pairs(pairs, SIZE, kind), strict=True):
            assert small.name == pair.name
            image = again.image(decode(small.image))
            np.testing.assert_allclose(image, direct.image(decode(pair.image)), atol=1 / 131070 + 1e-6)
            mask = again.target(decode_mask(small.mask))
            np.testing.assert_allclose(mask, direct.target(decode_mask(pair.mask)), atol=1 / 131070 + 1e-6)


def test_images_of_other_numbers_are_written_in_their_range(pairs, tmp_path):
    prepared = PreparedImages(tmp_path / "prepared", image_range=ImageRange(-7.0, 4.0))
    values = np.random.default_rng(0).uniform(-9, 5, (9, 13)).astype(np.float32)
    other = replace(pairs[0], image=write_tiff(tmp_path / "0.tif", values))
    prepared.write([other], {SIZE: ["binary"]})
    (small,) = prepared.pairs([other], SIZE, "binary")
    expected = Preprocessing(size=SIZE, range=ImageRange(-7.0, 4.0)).image(values)
    np.testing.assert_allclose(Preprocessing().image(decode(small.image)), expected, atol=1 / 131070 + 1e-6)


def test_a_file_that_is_there_is_not_written_again_and_a_missing_one_is(pairs, tmp_path):
    prepared, seen = PreparedImages(tmp_path / "prepared"), []
    prepared.write(pairs, {SIZE: {"binary"}}, lambda done, total: seen.append(total))
    assert set(seen) == {3}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "prepared").rglob("*.png")}
    assert len(before) == 6
    seen.clear()
    prepared.write(pairs, {SIZE: {"binary"}}, lambda done, total: seen.append(total))
    assert seen == []
    assert {path: path.stat().st_mtime_ns for path in before} == before
    prepared.pairs(pairs, SIZE, "binary")[1].mask.unlink()
    prepared.write(pairs, {SIZE: {"binary"}}, lambda done, total: seen.append(total))
    assert set(seen) == {1}
    assert all(path.is_file() for path in before)


def test_limits_of_prepared_masks_by_hand(tmp_path):
    # 4x2 pixels to 2x1: a quarter of the left half is cell, all of the right half.
    Image.fromarray(np.zeros((2, 4), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.array([[0, 0, 255, 255], [255, 0, 255, 255]], np.uint8)).save(tmp_path / "a_mask.png")
    pair = Pair("a", tmp_path / "a.png", tmp_path / "a_mask.png")
    prepared = PreparedImages(tmp_path / "prepared", levels=(0.2, 0.8))
    prepared.write([pair], {(2, 1): KINDS})
    resized = prepared.limits([pair], (2, 1), "resized")
    quarter = 0.25 * np.log(4) + 0.75 * np.log(4 / 3)
    assert resized.loss_floor == pytest.approx(quarter / 2, abs=1e-5)
    assert (resized.keras_accuracy_ceiling, resized.keras_baseline, resized.foreground) == (0.5, 0.0, 0.5)
    binary = prepared.limits([pair], (2, 1), "binary")
    assert (binary.loss_floor, binary.keras_accuracy_ceiling, binary.keras_baseline, binary.foreground) == (
        0.0,
        1.0,
        0.5,
        0.5,
    )
    levels = prepared.limits([pair], (2, 1), "levels")
    mixed, cell = (3 * 51 + 204) / 4 / 255, 204 / 255
    by_hand = [-t * np.log(t) - (1 - t) * np.log(1 - t) for t in (mixed, cell)]
    assert levels.loss_floor == pytest.approx(np.mean(by_hand), abs=1e-5)
    assert (levels.keras_accuracy_ceiling, levels.keras_baseline) == (0.0, 0.0)


@pytest.mark.parametrize("size", [(25, 19), (32, 24), (31, 7), (12, 40)])
def test_a_target_is_grey_only_where_it_covers_both_black_and_white(size, tmp_path):
    # The means of a resize by no whole number are rounded; counted here is with whole numbers which of them are mixed.
    rng = np.random.default_rng(1)
    mask = np.kron(rng.random((8, 10)) < 0.4, np.ones((9, 11), bool))  # 110x72 pixels, in blocks
    Image.fromarray(np.zeros(mask.shape, np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "a_mask.png")
    pair = Pair("a", tmp_path / "a.png", tmp_path / "a_mask.png")
    prepared = PreparedImages(tmp_path / "prepared")
    prepared.write([pair], {size: {"resized"}})
    (height, width), (columns, rows) = mask.shape, size
    mixed = 0
    for row in range(rows):
        for column in range(columns):
            top, left = row * height // rows, column * width // columns
            bottom, right = -(-(row + 1) * height // rows), -(-(column + 1) * width // columns)
            covered = mask[top:bottom, left:right]
            mixed += covered.any() and not covered.all()
    assert prepared.limits([pair], size, "resized").keras_accuracy_ceiling == pytest.approx(
        1 - mixed / (rows * columns), abs=1e-12
    )


def test_a_split_keeps_its_sides(pairs, tmp_path):
    prepared = PreparedImages(tmp_path / "prepared")
    small = prepared.split(Split(*((pair,) for pair in pairs)), SIZE, "binary")
    sides = (small.train, small.validation, small.test)
    assert [pair.name for side in sides for pair in side] == [pair.name for pair in pairs]
    assert small.test[0].mask == tmp_path / "prepared/6x4/binary/side/p2.png"
