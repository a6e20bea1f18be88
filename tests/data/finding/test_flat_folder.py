"""Images and masks in one folder, told apart by their names or endings, or one file of all images and one of all masks."""

import numpy as np
import pytest
import tifffile

from minunet.data.finding.flat_folder import one_of_each
from minunet.data.pairs import find_pairs, survey
from tests.data.finding.drawn_sets import expected, make, matched, numbered
from tests.data.found_pairs import names, problems
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


@pytest.mark.parametrize("suffix", ["_mask", "-mask", "_MASK"])
def test_one_folder_with_suffixes(tmp_path, suffix):
    for name in ("cell 1", "cell 10"):
        save(tmp_path / f"{name}.jpg", photo())
        save(tmp_path / f"{name}{suffix}.png", disc())
    assert names(find_pairs(tmp_path)) == [
        (name, f"{name}.jpg", f"{name}{suffix}.png", None) for name in ("cell 1", "cell 10")
    ]


def test_one_folder_with_bmp_and_png(tmp_path):
    for name in ("001", "002"):
        save(tmp_path / f"{name}.bmp", photo())
        save(tmp_path / f"{name}.png", disc())
    assert names(find_pairs(tmp_path)) == [(name, f"{name}.bmp", f"{name}.png", None) for name in ("001", "002")]
    save(tmp_path / "003.png", disc())
    save(tmp_path / "004.bmp", photo())
    assert problems(tmp_path) == [
        f"{tmp_path}/004.bmp has no mask: add {tmp_path}/004_mask.png or take the image out.",
        f"{tmp_path}/003.png has no image: add the image of that name or take the mask out.",
    ]


def test_the_ending_tells_masks_in_one_folder(tmp_path):
    make(tmp_path, *numbered("{}.jpg", "{}.png"))
    assert matched(tmp_path) == expected("{}.jpg", "{}.png")
    assert survey(tmp_path, contents=False).notes == (
        "the .png files are taken as the masks of the .jpg files of the same name.",
    )


def test_two_endings_of_which_either_may_be_the_masks(tmp_path):
    make(tmp_path, *numbered("{}.bmp", "{}.tif"))
    (problem,) = problems(tmp_path)
    assert f"--images '{tmp_path}/*.bmp' --masks '{tmp_path}/*.tif'" in problem
    found = survey(images=tmp_path / "*.tif", masks=tmp_path / "*.bmp", contents=False).require()
    assert [(pair.image.name, pair.mask.name) for pair in found.pairs] == [
        (f"{i}.tif", f"{i}.bmp") for i in range(1, 7)
    ]
