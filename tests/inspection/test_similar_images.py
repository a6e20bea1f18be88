"""Images that are there twice: saved again, lighter, turned; and images that only look alike at first."""

import io

import numpy as np
import pytest
from PIL import Image

from minunet.data.synthetic import draw_smear
from minunet.inspection.image_measures import measure_values
from minunet.inspection.similar_images import SIMILAR, find_similar


def descriptor(pixels):
    return measure_values(np.atleast_3d(np.asarray(pixels, np.float32) / 255)).descriptor


@pytest.fixture(scope="module")
def smears():
    return [draw_smear(np.random.default_rng([3, i]), (96, 96)).image for i in range(6)]


def saved_again(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


COPIES = {
    "darker": lambda pixels: pixels * 0.6,
    "saved again as JPEG": saved_again,
    "smaller": lambda pixels: np.asarray(Image.fromarray(pixels).resize((48, 48))),
    "turned": np.rot90,
    "mirrored and turned": lambda pixels: np.rot90(pixels[:, ::-1], 3),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found(smears, how):
    found = find_similar([descriptor(pixels) for pixels in [*smears, COPIES[how](smears[2])]])
    assert [group.members for group in found] == [(2, 6)]
    assert found[0].correlation >= SIMILAR
    assert found[0].turned == ("turned" in how)


def test_copies_of_copies_are_one_group_and_different_smears_are_none(smears):
    assert find_similar([descriptor(pixels) for pixels in smears]) == []
    copies = [descriptor(pixels) for pixels in (smears[0], smears[1], np.rot90(smears[0]), smears[0] * 0.8)]
    (group,) = find_similar(copies)
    assert group.members == (0, 2, 3)
    assert group.turned


def test_images_without_detail_are_like_no_other():
    shade = np.linspace(0, 200, 96, dtype=np.float32)[:, None] + np.zeros((96, 96), np.float32)
    flat = np.full((96, 96), 90)
    assert find_similar([descriptor(flat), descriptor(flat)]) == []
    assert find_similar([descriptor(shade), descriptor(shade + 5)]) == []  # the light of the microscope alone
    assert find_similar([]) == []


def test_the_comparison_in_blocks_is_the_whole_one(smears, monkeypatch):
    many = [descriptor(pixels) for pixels in [*smears, smears[4]]]
    whole = find_similar(many)
    monkeypatch.setattr("minunet.inspection.similar_images.BLOCK", 2)
    assert find_similar(many) == whole
    assert [group.members for group in whole] == [(4, 6)]
