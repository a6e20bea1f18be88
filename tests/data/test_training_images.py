"""What is said of an image that is unlike the training images."""

import numpy as np
import pytest

from minunet.data.appearance import measure_appearance
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import FEWEST, MEASURES, Spread, TrainingImages
from minunet.errors import UserError
from tests.data.small_appearances import SMALL, smears, statistics

TRAINED = 24


@pytest.fixture(scope="module")
def training():
    return statistics(smears(TRAINED))


def said(training, image, preprocessing=SMALL):
    return " ".join(training.unlike(measure_appearance(image, preprocessing)))


def gain(*factors):
    return lambda image: np.clip(image * np.array(factors), 0, 255).astype(np.uint8)


def blurred(image):
    rows = np.mean([np.roll(image, step, 0) for step in range(-3, 4)], axis=0)
    return np.mean([np.roll(rows, step, 1) for step in range(-3, 4)], axis=0).astype(np.uint8)


def magnified(image):
    return np.kron(image[40:84, 40:84], np.ones((3, 3, 1), np.uint8))[:128, :128]


CHANGES = [
    (gain(0.3, 0.3, 0.3), "darker than the training images"),
    (gain(3, 3, 3), "white"),
    (lambda image: 255 - image, "a negative, or"),
    (blurred, "out of focus"),
    (magnified, "times as large"),
    (lambda image: image[..., [0, 2, 1]], "another stain?"),
    (gain(1, 1, 0.6), "another lamp?"),
    (lambda image: image.astype(np.uint16) * 16, "darker than the training images"),
    (lambda image: np.full_like(image, 128), "no contrast"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_each_kind_of_difference_is_said(training, change, words):
    found = [words in said(training, change(image)) for image in smears(6, first=100)]
    assert sum(found) >= 4


def test_images_like_those_of_the_training_are_not_mentioned(training):
    mentioned = [bool(said(training, image)) for image in smears(20, first=200)]
    assert sum(mentioned) <= 2


def test_more_pixels_of_the_same_scene_are_no_difference(training):
    images = [np.kron(image, np.ones((2, 2, 1), np.uint8)) for image in smears(6, first=100)]
    assert sum(bool(said(training, image)) for image in images) <= 1


def test_the_spread_of_few_images_says_nothing():
    few = statistics(smears(FEWEST - 1))
    assert few.unlike(measure_appearance(np.full((20, 20), 7, np.uint8), SMALL)) == []


def test_a_slight_blur_shows_at_twice_the_size_of_the_input():
    small = Preprocessing(size=(64, 64))
    halved = statistics(smears(TRAINED), small)
    images = smears(6, first=100)
    softened = [np.mean([np.roll(image, step, axis) for step in (-1, 0, 1) for axis in (0, 1)], 0) for image in images]
    assert sum("less sharp" in said(halved, image.astype(np.uint8), small) for image in softened) >= 4
    mixed = statistics(smears(9), small).spreads
    some_small = TrainingImages.of(
        [measure_appearance(image, small) for image in (*smears(9), *smears(1, size=(80, 80)))]
    )
    assert "fine_sharpness" in mixed and "fine_sharpness" not in some_small.spreads


def test_the_colour_of_an_overexposed_image_is_not_judged(training):
    for image in smears(4, first=100):
        assert "stain" not in said(training, np.clip(image * 3.0, 0, 255).astype(np.uint8))


def test_colours_are_not_compared_with_those_of_grey_images():
    grey = statistics([image[..., 1] for image in smears(10)])
    assert not any(name.startswith(("stain", "light")) for name in grey.spreads)
    assert "another" not in said(grey, smears(1)[0][..., [0, 2, 1]])


def test_spreads_are_quantiles():
    appearances = [measure_appearance(np.full((2, 2), value, np.uint8), SMALL) for value in range(101)]
    spread = TrainingImages.of(appearances, [0.0, 5.0, 7.0]).spreads
    assert spread["middle"] == pytest.approx((2 / 255, 50 / 255, 98 / 255))
    assert spread["cell_diameter"].median == 6
    assert "sharpness" not in spread


def test_what_is_stored_comes_back(training):
    assert TrainingImages.from_dict(training.to_dict()) == training
    assert set(training.spreads) == set(MEASURES) - {"fine_sharpness"}  # the images are not twice as large as the input
    halved = statistics(smears(9), Preprocessing(size=(64, 64)))
    assert set(halved.spreads) == set(MEASURES)
    assert training.cell_diameter == 10
    assert TrainingImages(9, {}).cell_diameter == 0


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {"count": 9},
        {"count": 9, "measures": {}, "more": 1},
        {"count": 0, "measures": {}},
        {"count": True, "measures": {}},
        {"count": 9.0, "measures": {}},
        {"count": 9, "measures": []},
        {"count": 9, "measures": {"weight": [0, 0, 0]}},
        {"count": 9, "measures": {"dark": [0.1, 0.2]}},
        {"count": 9, "measures": {"dark": "012"}},
        {"count": 9, "measures": {"dark": [0.3, 0.2, 0.4]}},
        {"count": 9, "measures": {"dark": [0.1, 0.2, 1.5]}},
        {"count": 9, "measures": {"dark": [0.1, None, 0.2]}},
        {"count": 9, "measures": {"dark": [False, 0.1, 0.2]}},
        {"count": 9, "measures": {"dark": [0.1, float("nan"), 0.2]}},
        {"count": 9, "measures": {"cell_diameter": [1, 2, float("inf")]}},
    ],
)
def test_statistics_that_cannot_be_are_refused(stored):
    with pytest.raises(UserError, match="training images"):
        TrainingImages.from_dict(stored)


def test_a_spread_has_names():
    assert Spread(1.0, 2.0, 3.0).high == 3.0
