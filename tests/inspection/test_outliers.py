"""Images that are unlike the others: blurred, dark, bright, cut off at white."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from minunet.data.synthetic import draw_smear
from minunet.inspection.image_measures import measure_values
from minunet.inspection.outliers import find_outliers


@pytest.fixture(scope="module")
def smears():
    """Twelve smears of one slide: their light is the same."""
    rng = np.random.default_rng(5)
    smear = draw_smear(rng, (96, 96)).image.astype(float)
    return [np.clip(np.roll(smear, 7 * i, axis=1) + rng.normal(0, 2, smear.shape), 0, 255) for i in range(12)]


def kinds(images):
    found = find_outliers([measure_values((pixels / 255).astype(np.float32)) for pixels in images])
    return {(outlier.place, outlier.kind) for outlier in found}


def blurred(pixels):
    return np.asarray(Image.fromarray(pixels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(4)), float)


def test_images_that_are_alike_have_no_outliers(smears):
    assert kinds(smears) == set()
    assert kinds([smears[0]] * 12) == set()


def test_each_kind_is_found_by_its_place(smears):
    bright = np.clip(smears[7] * 1.6 + 60, 0, 255)
    images = [*smears[:3], blurred(smears[3]), *smears[4:5], smears[5] * 0.4, smears[6], bright, *smears[8:]]
    found = kinds(images)
    assert {(3, "blurred"), (5, "dark"), (7, "bright"), (7, "overexposed")} <= found
    assert {place for place, _ in found} == {3, 5, 7}


def test_a_few_images_and_images_without_contrast_are_not_judged(smears):
    assert kinds([*smears[:6], smears[6] * 0.1]) == set()
    assert kinds([np.full((9, 9, 3), 90.0)] * 12) == set()


def test_an_outlier_says_its_numbers(smears):
    images = [measure_values((pixels / 255).astype(np.float32)) for pixels in [*smears, smears[0] * 0.3]]
    (outlier,) = [found for found in find_outliers(images) if found.kind == "dark"]
    assert outlier.place == 12
    assert outlier.value == pytest.approx(0.3 * outlier.median, rel=0.05)
    assert outlier.describe() == f"mean grey {outlier.value:.2f}, in others {outlier.median:.2f}"
