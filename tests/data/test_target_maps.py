"""Target maps: the share of cell, what separates cells, and the weights of the loss, made from the numbers of the cells."""

import sys

import numpy as np
import pytest

from minunet.data.mask_cells import cells_of_mask
from minunet.data.outputs import Outputs
from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.data.reading.preprocessing import IGNORED, Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.data.target_maps import SEAM_WEIGHT, SEAM_WIDTH, middles, packed_targets, seams, targets, unpacked
from minunet.errors import UserError
from tests.data.reading.class_masks import reading as class_reading
from tests.data.reading.class_masks import stored as class_mask

READING = MaskReading(NUMBERED, "not:0", ignore="255")
pytest.importorskip("scipy")


def discs(shape, *discs):
    """Numbered discs (row, column, radius)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    numbers = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(discs, start=1):
        numbers[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return numbers


TOUCHING = discs((60, 80), (30, 25, 14), (30, 54, 14))  # one background pixel between them, in one row
NUMBERS = StoredMask(TOUCHING.astype(np.uint8))


def test_distance_is_one_in_the_middle_of_every_cell_whatever_its_size():
    numbers = discs((60, 80), (20, 20, 15), (40, 60, 6))
    depth = middles(numbers)
    assert depth[20, 20] == depth[40, 60] == 1
    np.testing.assert_allclose(depth[20, 20:36] * 16, np.arange(16, 0, -1), atol=0.7)  # from the middle to the border
    assert (depth > 0).tolist() == (numbers > 0).tolist()


def test_distance_is_one_only_where_a_cell_is_deepest_wherever_that_is():
    drop = discs((60, 40), (14, 20, 12)) + 2 * discs((60, 40), (45, 20, 5))
    drop[20:50, 19:22] = 1  # the disc and its tail, which reaches to the small disc
    drop[drop > 1] = 1
    depth = middles(drop)
    assert depth.max() == 1
    assert np.argwhere(depth == 1).tolist() == [[14, 20]]


def test_the_disc_has_half_of_the_radius():
    disc = middles(discs((140, 140), (70, 70, 60)), disc=True)
    assert (np.count_nonzero(disc) / np.pi) ** 0.5 == pytest.approx(30, abs=1)


def test_centre_is_a_disc_in_the_middle_of_every_cell():
    disc = middles(TOUCHING, disc=True)
    assert set(np.unique(disc)) == {0, 1}
    for number, column in ((1, 25), (2, 54)):
        rows, columns = np.nonzero(disc * (number == TOUCHING))
        assert abs(rows.mean() - 30) < 0.5
        assert abs(columns.mean() - column) < 1
        assert 0.4 < (len(rows) / np.pi) ** 0.5 / 14 < 0.6


def test_centre_of_a_bent_cell_lies_in_it():
    ring = discs((50, 50), (25, 25, 20), (25, 25, 12)) == 1
    ring[:25] = False
    disc = middles(ring.astype(np.int32), disc=True)
    assert disc.any()
    assert not (disc.astype(bool) & ~ring).any()


def test_seams_follow_the_formula_of_the_paper():
    found = seams(TOUCHING)
    rows, columns = np.nonzero(TOUCHING == 0)
    cells = [np.argwhere(number == TOUCHING) for number in (1, 2)]
    sigma = SEAM_WIDTH * 2 * (np.count_nonzero(TOUCHING == 1) / np.pi) ** 0.5
    for row, column in [(30, 39), (30, 40), (26, 40), (34, 36), (30, 25)]:
        d1, d2 = (np.hypot(*(cell - [row, column]).T).min() for cell in cells)
        np.testing.assert_allclose(found[row, column], np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)), atol=0.01)
    assert found[30, 39] > 0.5 > 0.01 > found[30, 25]


def test_seams_only_between_two_different_cells():
    assert not seams(np.zeros((8, 9), np.int32)).any()
    assert seams(discs((40, 40), (20, 20, 12))).max() < 0.01
    gaps_in_the_numbers = np.where(TOUCHING == 2, 7, TOUCHING)
    np.testing.assert_array_equal(seams(gaps_in_the_numbers), seams(TOUCHING))
    np.testing.assert_array_equal(middles(gaps_in_the_numbers), middles(TOUCHING))


@pytest.mark.parametrize("separation", ["distance", "centre", "seam"])
@pytest.mark.parametrize("size", [None, (20, 15), (80, 60), (97, 41)])
def test_targets_have_the_size_of_the_network_and_are_kept_in_bytes_without_loss(separation, size):
    preprocessing = Preprocessing(size=size, reading=READING)
    outputs = Outputs(separation=separation)
    found = targets(NUMBERS, preprocessing, outputs)
    assert found.shape == ((60, 80) if size is None else size[::-1]) + (3,)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found[..., :2].max() <= 1
    assert 1 <= found[..., 2].min() < found[..., 2].max() <= 1 + SEAM_WEIGHT
    packed = packed_targets(found, outputs)
    assert packed.dtype == np.uint8
    np.testing.assert_array_equal(unpacked(packed, outputs), found)


def test_cells_are_numbered_before_the_mask_is_resized():
    gap = StoredMask(np.uint8(TOUCHING > 0) * np.uint8(255))
    gap.values[:, 39:41] = 0
    preprocessing = Preprocessing(size=(20, 15))  # a pixel of the target is four of the mask
    found = targets(gap, preprocessing, Outputs(separation="distance"))
    assert found[7, 9:11, 0].min() > 0.4  # the gap is gone
    assert found[7, 9:11, 1].max() < 0.5 < min(found[7, 6, 1], found[7, 13, 1])  # but the cells are separate
    assert found[7, 9:11, 2].min() > 2 > 1.1 > found[7, 6, 2]
    np.testing.assert_allclose(found[..., 0].mean(), (gap.values > 0).mean(), atol=0.01)


def test_cell_share_is_an_area():
    found = targets(NUMBERS, Preprocessing(size=(20, 15), reading=READING), Outputs(separation="seam"))
    shares = (TOUCHING > 0).reshape(15, 4, 20, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(found[..., 0], shares, atol=1 / 255)


def test_ignored_pixels_have_no_weight_and_stay_ignored():
    values = TOUCHING.astype(np.uint8)
    values[:20] = 255
    preprocessing = Preprocessing(size=(20, 15), reading=READING)
    found = targets(StoredMask(values), preprocessing, Outputs(separation="distance"))
    assert (found[:5, :, 0] == IGNORED).all()
    assert not found[:5, :, 2].any()
    assert found[5:, :, 0].min() >= 0
    assert found[5:, :, 2].min() >= 1
    outputs = Outputs(separation="distance")
    np.testing.assert_array_equal(unpacked(packed_targets(found, outputs), outputs), found)


def test_without_separation_the_target_is_that_of_the_preprocessing():
    preprocessing = Preprocessing(size=(20, 15), reading=READING)
    np.testing.assert_array_equal(targets(NUMBERS, preprocessing, Outputs()), preprocessing.target(NUMBERS))


@pytest.mark.parametrize("separation", ["distance", "centre", "seam"])
def test_numbers_of_cells_may_be_large(separation):
    preprocessing = Preprocessing(reading=MaskReading(NUMBERED, "not:0", bits=32))
    outputs = Outputs(separation=separation)
    large = StoredMask(np.where(TOUCHING > 0, TOUCHING.astype(np.uint32) + 2_000_000_000, 0).astype(np.uint32))
    np.testing.assert_array_equal(targets(large, preprocessing, outputs), targets(NUMBERS, preprocessing, outputs))


@pytest.mark.parametrize("fill", [0, 1])
def test_masks_without_cells_and_masks_that_are_one_cell(fill):
    mask = StoredMask(np.full((12, 16), fill, np.uint8))
    for separation in ("distance", "centre", "seam"):
        found = targets(mask, Preprocessing(size=(8, 6), reading=READING), Outputs(separation=separation))
        assert (found[..., 0] == fill).all()
        assert (found[..., 2] == 1).all()
        assert np.isfinite(found).all()


def test_without_scipy_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UserError, match=r"need scipy.*pip install 'minunet\[cells\]'"):
        targets(NUMBERS, Preprocessing(reading=READING), Outputs(separation="distance"))
    assert cells_of_mask(NUMBERS, Preprocessing(reading=READING)).labels.max() == 2  # which needs no package


@pytest.mark.parametrize("size", [None, (40, 30)])
def test_classes_are_indices_also_beside_a_separation_and_are_kept_in_bytes_without_loss(size):
    names = ("background", "red", "white", "nucleus", "platelet")
    preprocessing = Preprocessing(reading=class_reading(), size=size)
    plain = targets(class_mask(), preprocessing, Outputs(names))
    outputs = Outputs(names, "distance")
    both = targets(class_mask(), preprocessing, outputs)
    assert np.array_equal(plain, preprocessing.class_target(class_mask()))
    assert np.array_equal(both[..., :1], plain) and set(np.unique(plain)) == {0, 1, 2, 3, 4}
    assert np.array_equal(unpacked(packed_targets(both, outputs), outputs), both)
    white = np.isin(both[..., 0], (2, 3))  # nucleus and cytoplasm are one cell, with one middle
    assert both[..., 1][white].max() == pytest.approx(1, abs=0.2) and both[..., 1][plain[..., 0] == 0].max() < 0.5
