"""Which of the folders in a folder are read as images and masks, by their names."""

import pytest

from minunet.data.pairs import find_pairs, survey
from tests.data.finding.drawn_sets import expected, make, matched, numbered
from tests.data.found_pairs import problems
from tests.data.small_pictures import photo, save


def test_two_possible_layouts(make_set, tmp_path):
    make_set("a")
    make_set("b", images="imgs")
    assert problems(tmp_path) == [
        f"{tmp_path} can be read as images/ with masks/ and imgs/ with masks/: choose with --images {tmp_path}/images --masks "
        f"{tmp_path}/masks or --images {tmp_path}/imgs --masks {tmp_path}/masks."
    ]


def test_two_folders_of_masks_are_a_question(tmp_path):
    make(tmp_path, *numbered("images/{}.jpg", "manual1/{}.tif", "mask/{}_mask.tif"))
    (problem,) = problems(tmp_path)
    assert f"--images {tmp_path}/images --masks {tmp_path}/manual1 or" in problem
    assert len(find_pairs(images=tmp_path / "images", masks=tmp_path / "manual1")) == 6


def test_the_documented_names_win_over_looser_ones_and_leftovers_are_reported(make_set, tmp_path):
    make_set("a")
    make_set("b", root=tmp_path / "test")
    (tmp_path / "labels").mkdir()
    save(tmp_path / "preview.png", photo())
    found = survey(tmp_path)
    assert [pair.name for pair in found.pairs] == ["a"]
    assert found.warnings == (
        f"{tmp_path} was read by its folders images/ and masks/; left out: test/ and preview.png.",
    )


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        *[
            ("images", name)
            for name in ("gt", "groundtruth", "ground_truth", "Ground Truth", "segments", "annotations", "gts")
        ],
        ("JPEGImages", "SegmentationClass"),
        ("train_images", "train_masks"),
        ("raw", "mask"),
        ("imagesTr", "labelsTr"),
        ("train", "train_labels"),
        ("train", "trainannot"),
        ("2d_images", "2d_masks"),
        ("inputs", "targets"),
        ("Original Images", "Ground_Truth_Masks"),
    ],
)
def test_folders_by_the_words_in_their_names(images, masks, tmp_path):
    make(tmp_path, *numbered(f"{images}/{{}}.png", f"{masks}/{{}}.png"))
    assert matched(tmp_path) == expected(f"{images}/{{}}.png", f"{masks}/{{}}.png")


def test_of_classes_and_objects_the_objects_are_chosen_and_it_is_said(tmp_path):
    make(tmp_path, *numbered("JPEGImages/{}.jpg", "SegmentationClass/{}.png", "SegmentationObject/{}.png"))
    make(tmp_path, "Annotations/1.xml", "ImageSets/Segmentation/train.txt", "SegmentationClassVisualization/1.jpg")
    assert matched(tmp_path) == expected("JPEGImages/{}.jpg", "SegmentationObject/{}.png")
    assert survey(tmp_path, contents=False).notes == (
        "masks are read from SegmentationObject/, which numbers the cells; for SegmentationClass/ give it with --masks.",
    )
    assert len(find_pairs(images=tmp_path / "JPEGImages", masks=tmp_path / "SegmentationClass")) == 6


def test_sides_in_the_names_of_folders(tmp_path):
    make(tmp_path, *numbered("train_images/a{}.png", "train_masks/a{}.png", "val_images/b{}.png", "val_masks/b{}.png"))
    found = survey(tmp_path, contents=False).require().pairs
    assert [(pair.name, pair.split) for pair in found[5:7]] == [("train/a6", "train"), ("validation/b1", "validation")]
