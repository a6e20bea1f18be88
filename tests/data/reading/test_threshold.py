import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minunet.data.reading.threshold import binarise, otsu_threshold
from minunet.errors import UserError
from tests.data.small_pictures import disc


def variance_between(array, level):
    above = array > level
    share = above.mean()
    if share in (0, 1):
        return 0.0
    return share * (1 - share) * (array[above].mean() - array[~above].mean()) ** 2


@given(arrays(np.uint8, st.integers(2, 60)))
def test_otsu_maximises_the_variance_between_the_classes(array):
    found = variance_between(array.astype(float), otsu_threshold(array))
    best = max(variance_between(array.astype(float), level) for level in range(256))
    assert found == pytest.approx(best, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("seed", range(5))
def test_otsu_is_that_of_scikit_image(dtype, seed):
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(seed)
    values = np.clip(np.concatenate([rng.normal(0.3, 0.08, 3000), rng.normal(0.7, 0.1, 1000)]), 0, 1)
    array = (values * (1 if dtype is np.float32 else np.iinfo(dtype).max)).astype(dtype).reshape(40, 100)
    assert otsu_threshold(array) == pytest.approx(filters.threshold_otsu(array), rel=1e-6)
    assert np.array_equal(array > otsu_threshold(array), array > filters.threshold_otsu(array))


def test_otsu_of_one_level_is_that_level_and_of_none_an_error():
    assert otsu_threshold(np.full((3, 3), 7, np.uint8)) == 7
    assert otsu_threshold(np.array([False, True])) == 0
    with pytest.raises(UserError, match="an array without values has no threshold"):
        otsu_threshold(np.zeros((0, 3)))


@pytest.mark.parametrize("low_high", [(0, 255), (0, 1), (200, 255), (3, 4)])
@pytest.mark.parametrize("threshold", ["otsu", 0.5, 0.0, 0.9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_two_levels_are_split_between_them(low_high, threshold, dtype):
    mask = np.where(disc(), low_high[1], low_high[0]).astype(dtype) / (255 if dtype is np.float32 else 1)
    assert np.array_equal(binarise(mask.astype(dtype), threshold), disc() > 0)


def test_two_colours_are_split_between_their_greys():
    colours = np.array([[0, 0, 0], [128, 0, 0]], np.uint8)
    assert np.array_equal(binarise(colours[disc() // 255], "otsu"), disc() > 0)
    assert np.array_equal(binarise(disc()[..., None], 0.5), disc() > 0)
    assert np.array_equal(binarise(disc() > 0, 0.5), disc() > 0)


def test_graded_masks_are_cut_where_asked():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert binarise(ramp, 0.5).sum() == 128
    assert binarise(ramp, 0.0).sum() == 255
    assert np.array_equal(binarise(ramp, "otsu"), ramp > otsu_threshold(ramp))
    assert binarise(ramp.astype(np.uint16) * 257, 0.25).sum() == 192


@pytest.mark.parametrize(
    ("level", "threshold", "cell"),
    [
        (0, "otsu", False),
        (0, 0.0, False),
        (255, "otsu", True),
        (255, 0.5, True),
        (1, "otsu", True),
        (1, 0.5, True),
        (100, 0.5, False),
        (100, "otsu", True),
    ],
)
def test_masks_of_one_level(level, threshold, cell):
    assert np.array_equal(binarise(np.full((3, 4), level, np.uint8), threshold), np.full((3, 4), cell))


def test_a_blurred_disc_is_found_again():
    rows, columns = np.mgrid[:60, :60]
    distance = np.hypot(rows - 30, columns - 30)
    soft = (255 / (1 + np.exp((distance - 15) / 2))).astype(np.uint8)
    agree = binarise(soft, "otsu") == (distance < 15)
    assert agree.mean() > 0.97
