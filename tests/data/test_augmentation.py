import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.augmentation import BRIGHTNESS, CONTRAST, LEVELS, augment
from minunet.data.reading.preprocessing import IGNORED
from minunet.errors import UserError
from tests.data.reading.class_masks import class_indices

MOVING = LEVELS[1:]


def bumps(seed, height, width):
    """A smooth picture in [0, 1], (H, W, 1) float32, without any symmetry."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = sum(
        rng.random() * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (0.02 * height * width))
        for y, x in rng.random((6, 2)) * (height, width)
    )
    return (picture / picture.max()).astype(np.float32)[..., None]


@given(st.sampled_from(LEVELS), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 99))
def test_shapes_and_ranges_are_kept_and_binary_masks_stay_binary(level, height, width, channels, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, channels)).astype(np.float32)
    for mask in (rng.random((height, width, 1)) > 0.5, rng.random((height, width, 1))):
        mask = mask.astype(np.float32)
        before = image.copy(), mask.copy()
        image2, mask2 = augment(image, mask, np.random.default_rng(seed), level)
        assert np.array_equal(image, before[0])
        assert np.array_equal(mask, before[1])
        for found, given_ in ((image2, image), (mask2, mask)):
            assert found.shape == given_.shape
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            assert not np.shares_memory(found, given_)
            assert 0 <= found.min() <= found.max() <= 1
        if set(np.unique(mask)) <= {0, 1}:
            assert set(np.unique(mask2)) <= {0, 1}


@pytest.mark.parametrize("level", MOVING)
@pytest.mark.parametrize("shape", [(48, 64), (48, 48)])
@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_move_together(level, shape, seed):
    mask = bumps(seed, *shape)
    image = 0.4 + 0.2 * mask  # far enough from black and white for no change of tone to reach them
    image2, mask2 = augment(image, mask, np.random.default_rng(seed), level)
    slope, offset = np.polyfit(mask2.ravel().astype(float), image2.ravel().astype(float), 1)
    assert np.abs(image2 - (slope * mask2 + offset)).max() < 1e-5
    assert 1 - CONTRAST[level] - 1e-3 <= slope / 0.2 <= 1 + CONTRAST[level] + 1e-3
    assert abs(image2.mean() - (0.4 + 0.2 * mask2.mean())) < BRIGHTNESS[level] + 0.02


def test_none_is_a_copy():
    image, mask = bumps(0, 9, 7), bumps(1, 9, 7)
    found = augment(image, mask, np.random.default_rng(0), "none")
    assert np.array_equal(found[0], image)
    assert np.array_equal(found[1], mask)
    assert not np.shares_memory(found[0], image)


@pytest.mark.parametrize(("shape", "symmetries"), [((6, 6), 8), ((6, 8), 4)])
def test_light_reaches_every_symmetry_that_keeps_the_shape(shape, symmetries):
    mask = bumps(0, *shape)
    wanted = {
        np.rot90(flipped, turns).tobytes()
        for flipped in (mask, mask[::-1])
        for turns in range(4)
        if np.rot90(flipped, turns).shape == mask.shape
    }
    assert len(wanted) == symmetries
    found = {augment(mask, mask, np.random.default_rng(seed), "light")[1].tobytes() for seed in range(80)}
    assert found == wanted


@pytest.mark.parametrize("level", MOVING)
def test_the_same_generator_state_gives_the_same_variant(level):
    image, mask = bumps(0, 30, 40), bumps(1, 30, 40)
    first, again, other = (augment(image, mask, np.random.default_rng(seed), level) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_full_bends_a_little_and_keeps_the_cells():
    mask = (bumps(3, 96, 96) > 0.4).astype(np.float32)
    areas = [augment(mask, mask, np.random.default_rng(seed), "full")[1].mean() / mask.mean() for seed in range(60)]
    assert 0.5 < min(areas) < 0.95 < 1.05 < max(areas) < 1.6
    assert len(set(areas)) > 50


def test_what_full_shows_is_near_what_was_there():
    # Undo nothing: the same generator with smooth coordinates as the picture shows how far each pixel travelled.
    rows, columns = np.mgrid[:96, :128].astype(np.float32) / 128
    for seed in range(10):
        travelled = []
        for coordinate in (rows, columns):
            _, found = augment(
                coordinate[..., None] * 0 + 0.5, coordinate[..., None], np.random.default_rng(seed), "full"
            )
            flips = [coordinate, coordinate[::-1], coordinate[:, ::-1], coordinate[::-1, ::-1]]
            travelled.append(min(np.abs(found[20:-20, 20:-20, 0] - f[20:-20, 20:-20]).max() for f in flips) * 128)
        assert 0.5 < max(travelled) < 45


def test_an_unknown_level():
    with pytest.raises(UserError, match="augmentation 'strong': choose none, light or full"):
        augment(bumps(0, 4, 4), bumps(0, 4, 4), np.random.default_rng(0), "strong")


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("level", MOVING)
def test_all_channels_of_a_target_move_together(level, ignored):
    """Each channel is the same picture, so that it stays the same in all of them."""
    picture = bumps(3, 30, 40)
    cell = np.where(np.arange(40)[:, None] < 5, np.float32(IGNORED), picture) if ignored else picture
    target = np.concatenate([cell, picture, 1 + 10 * picture], axis=2)
    image = np.repeat(picture, 3, axis=2)
    _, varied = augment(image, target, np.random.default_rng(4), level)
    assert varied.shape == target.shape
    counted = varied[..., 0] != IGNORED
    assert counted.all() == (not ignored)
    np.testing.assert_allclose(varied[..., 2], 1 + 10 * varied[..., 1], atol=1e-4)
    inner = counted & np.roll(counted, 2, axis=1) & np.roll(counted, -2, axis=1)
    np.testing.assert_allclose(varied[inner, 0], varied[inner, 1], atol=0.05)
    assert not np.array_equal(varied[..., 1], picture[..., 0])


@pytest.mark.parametrize("level", ["light", "full"])
def test_indices_of_classes_are_never_mixed(level):
    index = class_indices(64).astype(np.float32)[..., None]
    index = np.where(index == 4, np.float32(IGNORED), index)
    for seed in range(5):
        image, target = augment(index / 4, index, np.random.default_rng(seed), level, classes=True)
        assert set(np.unique(target)) <= {-1, 0, 1, 2, 3} and (target == 3).any()
        # The cytoplasm lies between nucleus and background in the variant too, and no rim of another class between them.
        beside = target[1:][target[:-1] == 3]
        assert np.mean(np.isin(beside, (2, 3))) == 1
    parted = np.concatenate([index, np.ones_like(index) / 2, np.ones_like(index)], axis=2)
    assert augment(index / 4, parted, np.random.default_rng(0), level, classes=True)[1].shape == (64, 64, 3)
