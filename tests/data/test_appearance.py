"""How an image looks, in numbers."""

import numpy as np
import pytest

from minunet.data.appearance import LONGEST_WINDOW, measure_appearance, middle_window
from minunet.data.reading.preprocessing import Preprocessing

NATIVE = Preprocessing()


def squares(side, step, background=200, cell=80, channels=0):
    """A grid of dark squares of `side`, one every `step` pixels."""
    image = np.full((120, 120), background, np.uint8)
    for row in range(5, 120 - side, step):
        for column in range(5, 120 - side, step):
            image[row : row + side, column : column + side] = cell
    return np.repeat(image[..., None], channels, axis=2) if channels else image


def test_tones_are_fractions_of_white():
    appearance = measure_appearance(squares(10, 20), NATIVE)
    assert appearance.middle == appearance.bright == pytest.approx(200 / 255)
    assert appearance.dark == pytest.approx(80 / 255)
    assert (appearance.balance, appearance.white_share) == (1, 0)
    negative = measure_appearance(255 - squares(10, 20), NATIVE)
    assert negative.balance < 0.1
    assert measure_appearance(squares(10, 20, background=255), NATIVE).white_share > 0.7


def test_structure_is_as_wide_as_what_is_dark_at_the_size_the_network_sees():
    small, large = (measure_appearance(squares(side, 2 * side), NATIVE).structure for side in (8, 24))
    assert large / small == pytest.approx(3)
    half = measure_appearance(squares(24, 48), Preprocessing(size=(60, 60))).structure
    assert half == pytest.approx(large / 2, rel=0.1)
    twice = np.kron(squares(24, 48), np.ones((2, 2), np.uint8))  # more pixels, but the network sees the same
    assert measure_appearance(twice, Preprocessing(size=(60, 60))).structure == half


def test_a_blurred_image_is_less_sharp_whatever_its_contrast():
    image = squares(10, 20).astype(float)
    blurred = sum(np.roll(image, (row, column), (0, 1)) for row in range(-2, 3) for column in range(-2, 3)) / 25
    sharp, soft, pale = (
        measure_appearance(array.astype(np.uint8), NATIVE).sharpness for array in (image, blurred, 100 + image / 4)
    )
    assert soft < sharp - 0.3
    assert pale == pytest.approx(sharp, abs=0.02)


def test_the_colour_of_the_stain_and_of_the_light():
    image = squares(10, 20, channels=3)
    image[..., 1] = np.where(image[..., 1] == 80, 40, 200)
    stained = measure_appearance(image, NATIVE)
    red, green, blue = stained.stain
    assert green > 1.5 * red == pytest.approx(1.5 * blue)
    assert np.linalg.norm(stained.stain) == pytest.approx(1)
    assert stained.light == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    deep = measure_appearance(image.astype(np.uint16) * 257, NATIVE)
    assert deep.stain == pytest.approx(stained.stain, abs=1e-3)
    assert measure_appearance(squares(10, 20), NATIVE).stain is None


def test_an_image_of_one_tone_has_no_structure():
    appearance = measure_appearance(np.full((20, 30, 3), 90, np.uint8), NATIVE)
    assert not appearance.has_contrast
    assert (appearance.sharpness, appearance.structure, appearance.stain) == (None, None, None)


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (1, 400)])
def test_the_smallest_images_are_measured(shape):
    rng = np.random.default_rng(0)
    for channels in ("grey", "rgb"):
        image = rng.integers(0, 256, (*shape, 3), np.uint8)
        assert 0 <= measure_appearance(image, Preprocessing(channels=channels, size=(16, 16))).middle <= 1


def test_of_a_large_image_the_middle_is_measured():
    rows, columns = middle_window((100, LONGEST_WINDOW + 50))
    assert (rows.start, columns.start, columns.stop - columns.start) == (0, 25, LONGEST_WINDOW)
    image = np.zeros((30, LONGEST_WINDOW + 400), np.uint8)
    image[:, 200:-200] = 255  # only its edges are black
    preprocessing = Preprocessing(size=(64, 16))
    whole = measure_appearance(image, preprocessing)
    assert whole.white_share == 1
    assert measure_appearance(image[middle_window(image.shape)], preprocessing, image.shape) == whole
