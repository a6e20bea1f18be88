"""Folders of images and masks of which one file holds all images and one all masks."""

import numpy as np
import pytest
import tifffile

from minunet.data.finding.flat_folder import one_of_each
from minunet.data.pairs import find_pairs, survey
from tests.data.found_pairs import problems
from tests.data.small_pictures import disc, photo, save


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images", "masks"),
        ("images", "labels"),
        ("raw", "seg"),
        ("train_images", "masks_train"),
        ("smears", "masks"),
        ("a/images", "b/masks"),
        ("images/smears", "masks/labels"),
    ],
)
def test_a_file_of_images_beside_a_file_of_masks(tmp_path, images, masks):
    pages = np.stack([photo(seed)[..., 0] for seed in range(5)])
    for name, stack in ((images, pages), (masks, np.stack([disc(seed) for seed in range(5)]))):
        (tmp_path / f"{name}.tif").parent.mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, photometric="minisblack")
    folders = {} if images != "a/images" else {"images": tmp_path / "a", "masks": tmp_path / "b"}
    found = survey(None if folders else tmp_path, **folders)
    assert not found.problems
    assert [(pair.image.stem, pair.mask.stem, pair.page) for pair in found.pairs] == [
        (images.split("/")[-1], masks.split("/")[-1], page) for page in range(5)
    ]
    assert any("holds the masks of" in note for note in found.notes)


def test_folders_that_hold_an_image_and_its_mask_each(tmp_path):
    for name in ("slide1", "slide2"):
        save(tmp_path / name / "image.png", photo())
        save(tmp_path / name / "mask.png", disc())
    assert [pair.name for pair in find_pairs(tmp_path)] == ["slide1/image", "slide2/image"]


@pytest.mark.parametrize(
    "stems",
    [
        ("a", "b"),
        ("images", "raw", "masks"),
        ("images", "masks", "labels"),
        ("masks", "labels"),
        ("mask_a", "b"),
        ("test_images", "train_masks"),
    ],
)
def test_names_that_leave_a_choice_are_not_guessed(stems):
    assert one_of_each(stems) is None


def test_more_files_are_named_as_images_without_masks(tmp_path):
    for name in ("images", "overview"):
        save(tmp_path / f"{name}.png", photo())
    save(tmp_path / "masks.png", disc())
    assert any("overview.png has no mask" in problem for problem in problems(tmp_path))
