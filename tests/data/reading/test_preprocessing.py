import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.pairs import find_pairs
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.pixels import to_grey, to_rgb
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_area, resize_bilinear
from minunet.errors import UserError
from tests.data.small_pictures import disc, photo


def refused(**choices):
    with pytest.raises(UserError) as caught:
        Preprocessing(**choices)
    return caught.value.problems


def test_images_are_grey_or_colour_at_native_size():
    assert np.array_equal(Preprocessing().image(photo()), to_grey(photo())[..., None])
    assert np.array_equal(Preprocessing(channels="rgb", crop=8).image(photo()), to_rgb(photo()))
    assert Preprocessing(channels="rgb").image(disc()).shape == (16, 24, 3)


@given(st.sampled_from(["grey", "rgb"]), st.integers(1, 40), st.integers(1, 40), st.sampled_from([np.uint8, np.uint16]))
def test_images_are_resized_by_area(channels, width, height, dtype):
    preprocessing = Preprocessing(channels=channels, size=(width, height))
    array = (photo().astype(dtype) * (1 if dtype is np.uint8 else 257)).astype(dtype)
    found = preprocessing.image(array)
    assert found.shape == (height, width, 1 if channels == "grey" else 3)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    values = to_grey(photo())[..., None] if channels == "grey" else to_rgb(photo())
    assert np.allclose(found, resize_area(values, (width, height)), atol=1e-5)


@pytest.mark.parametrize("mask", ["binary", "grayscale"])
def test_white_stays_white_and_black_black(mask):
    for level in (0, 255):
        flat = np.full((37, 41), level, np.uint8)
        preprocessing = Preprocessing(size=(11, 7), mask=mask)
        assert np.array_equal(preprocessing.target(flat), np.full((7, 11, 1), level / 255))
        assert np.allclose(preprocessing.image(flat), level / 255, atol=1e-6)
        assert preprocessing.image(flat).max() <= 1


@pytest.mark.parametrize("size", [None, (24, 16), (12, 8), (7, 5), (50, 40)])
@pytest.mark.parametrize("coding", ["0/255", "0/1", "bool", "colour", "16 bits"])
def test_binary_masks_however_coded(size, coding):
    mask = {
        "0/255": disc(),
        "0/1": disc() // 255,
        "bool": disc() > 0,
        "colour": np.where(disc()[..., None], (0, 90, 200), (0, 0, 0)).astype(np.uint8),
        "16 bits": disc().astype(np.uint16) * 257,
    }[coding]
    for threshold in ("otsu", 0.5):
        found = Preprocessing(size=size, threshold=threshold).target(mask)
        assert found.dtype == np.float32
        assert set(np.unique(found)) == {0, 1}
        cell = (disc() > 0)[..., None]
        assert np.array_equal(found, cell if size is None else resize_area(cell, size) >= 0.4999)


def test_a_mask_is_cut_before_and_after_it_is_averaged():
    graded = np.array([[0, 0, 120, 255], [0, 0, 120, 120]], np.uint8)  # Otsu cuts between 0 and 120
    assert np.array_equal(Preprocessing(size=(2, 1)).target(graded)[..., 0], [[0, 1]])
    assert np.array_equal(Preprocessing(size=(2, 1), threshold=0.6).target(graded)[..., 0], [[0, 0]])
    halves = np.array([[0, 255, 0, 0], [0, 255, 0, 255]], np.uint8)
    assert np.array_equal(Preprocessing(size=(2, 1)).target(halves)[..., 0], [[1, 0]])  # half covered is cell


@given(st.integers(1, 60), st.integers(1, 60))
def test_half_covered_is_cell_for_any_ratio(columns, rows):
    mask = np.zeros((2 * rows, 2 * columns), np.uint8)
    mask[:, :columns] = 255
    assert Preprocessing(size=(1, 1)).target(mask)[0, 0, 0] == 1


def test_grey_masks_are_averaged_and_kept():
    graded = np.array([[0, 255, 10, 20], [0, 255, 30, 40]], np.uint8)
    found = Preprocessing(size=(2, 1), mask="grayscale").target(graded)
    assert np.allclose(found[..., 0], [[0.5, 25 / 255]])
    assert np.array_equal(Preprocessing(mask="grayscale").target(graded)[..., 0], (graded / np.float32(255)))
    assert np.array_equal(Preprocessing(mask="grayscale").target(disc() // 255)[..., 0], disc() // 255)
    assert np.array_equal(Preprocessing(mask="grayscale").target(np.repeat(graded[..., None], 3, 2)).shape, (2, 4, 1))


def test_written_down_and_read_again():
    for choices in (
        {},
        {"channels": "rgb", "size": (256, 192), "threshold": 0.25},
        {"crop": 128, "mask": "grayscale", "threshold": 0},
    ):
        preprocessing = Preprocessing(**choices)
        assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing
    assert Preprocessing(size=[4, 2]).size == (4, 2)
    with pytest.raises(UserError, match=r"preprocessing with unknown choices \(stain\): it needs a newer minunet"):
        Preprocessing.from_dict({"stain": "giemsa"})


def test_invalid_settings_are_reported_at_once():
    assert refused(channels="gray", mask="bin", size=(0, 5), crop=-1, threshold=1.0) == [
        "channels 'gray': choose grey, rgb, or channels by number from 0, such as 0 or 2,0,1.",
        "mask 'bin': choose binary or grayscale.",
        "size 0x5: give width and height in pixels, each from 1 to 131,072.",
        "crop -1: give a number of pixels from 1 to 131,072.",
        "a size and a crop were given: crops are cut at native resolution, so give one of the two.",
        "threshold 1.0: give otsu, or a fraction of white from 0 to below 1.",
    ]
    for threshold in ("0.5", -0.1, True, None, float("nan")):
        assert refused(threshold=threshold) == [
            f"threshold {threshold!r}: give otsu, or a fraction of white from 0 to below 1."
        ]
    assert refused(size=(3,)) == ["size 3: give width and height in pixels, each from 1 to 131,072."]
    assert refused(size=(3.5, 2)) == ["size 3.5x2: give width and height in pixels, each from 1 to 131,072."]


def test_real_pair(real_smears):
    pair = find_pairs(real_smears)[0]
    image, mask = decode(pair.image), decode_mask(pair.mask)
    preprocessing = Preprocessing(size=(256, 192))
    found, target = preprocessing.image(image), preprocessing.target(mask)
    assert found.shape == target.shape == (192, 256, 1)
    assert target.mean() == pytest.approx((mask > 0).mean(), abs=0.01)
    inside, outside = found[target == 1].mean(), found[target == 0].mean()
    assert inside < outside - 0.05  # cells are darker than the light around them


@pytest.mark.parametrize("size", [(25, 19), (7, 3), (31, 30), (64, 48)])
def test_the_grey_of_an_all_white_or_all_black_area_is_exactly_1_or_0(size):
    """Accuracy that compares for equality never counts a pixel that should be white and is 1 - 6e-8."""
    mask = np.zeros((120, 160), np.uint8)
    mask[:, 80:] = 255
    target = Preprocessing(channels="grey", size=size, mask="grayscale").target(mask)
    columns = np.arange(size[0])
    white, black = columns * 160 >= 80 * size[0], (columns + 1) * 160 <= 80 * size[0]
    assert (target[:, white] == 1).all()
    assert (target[:, black] == 0).all()
    assert (white | black).sum() >= size[0] - 1


def test_an_image_is_fitted_by_the_size_of_its_cells():
    preprocessing = Preprocessing(diameter=12, crop=8)
    assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing
    assert "diameter" not in Preprocessing().to_dict()  # older versions do not know it
    image = photo()  # 24x16
    shrunk = preprocessing.fitted((16, 24), 24)
    assert (shrunk.size, shrunk.crop) == ((12, 8), None)
    assert np.array_equal(shrunk.image(image), resize_area(to_grey(image)[..., None], (12, 8)))
    enlarged = preprocessing.fitted((16, 24), 6)
    assert np.array_equal(enlarged.image(image), resize_bilinear(to_grey(image)[..., None], (48, 32)))
    assert enlarged.target(disc()).shape == (32, 48, 1)
    assert preprocessing.fitted((16, 24), 6, known=3).size == (12, 8)
    with pytest.raises(UserError, match="the image has only 24x16 pixels"):
        preprocessing.fitted((16, 24), 100)
    (problem,) = refused(diameter=0)
    assert problem == "diameter 0: give a number of pixels from 3 to 10,000."


def test_a_scale_shrinks_every_image_by_the_same_factor():
    scaled = Preprocessing(channels="grey", scale=0.5)
    image = np.arange(7 * 10, dtype=np.uint8).reshape(7, 10)
    assert scaled.scaled((7, 10)).size == (5, 3) and scaled.scaled((1, 1)).size == (1, 1)
    assert np.array_equal(scaled.image(image), Preprocessing(size=(5, 3)).image(image))
    assert Preprocessing.from_dict(scaled.to_dict()) == scaled and "scale" not in Preprocessing().to_dict()
    assert scaled.at_own_size().scale is None and Preprocessing().scaled((7, 10)) == Preprocessing()
    for wrong in (0, 1.5, "half", True):
        with pytest.raises(UserError, match="scale .*give a number above 0 and up to 1"):
            Preprocessing(scale=wrong)
    with pytest.raises(UserError, match="each says how images are resized"):
        Preprocessing(scale=0.5, size=(8, 8))
