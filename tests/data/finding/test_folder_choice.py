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


def test_masks_that_number_the_cells_are_read_in_place_of_those_of_the_same_images(tmp_path):
    make(tmp_path, *numbered("images/{}.png", "masks/{}.png", "classes/{}.png", "instances/{}.png"))
    found = survey(tmp_path, contents=False)
    assert matched(tmp_path) == expected("images/{}.png", "instances/{}.png")
    assert (found.notes, found.warnings) == (
        (f"masks are read from instances/, which numbers the cells; for masks/ add --masks {tmp_path}/masks.",),
        (),
    )
    assert matched(tmp_path, masks=tmp_path / "masks") == expected("images/{}.png", "masks/{}.png")
    without = survey(tmp_path, contents=False, numbered=False)
    assert ({pair.mask.parent.name for pair in without.pairs}, without.notes) == ({"masks"}, ())
    (tmp_path / "instances" / "3.png").unlink()  # then masks/ is the whole set
    assert matched(tmp_path) == expected("images/{}.png", "masks/{}.png")


@pytest.mark.parametrize(
    ("masks", "numbers"),
    [("labels", "instances"), ("semantic_masks", "instance_masks"), ("mask", "Instance Labels"), (None, "instances")],
)
def test_names_of_folders_that_number_the_cells(masks, numbers, tmp_path):
    make(tmp_path, *numbered("images/{}.jpg", *[f"{name}/{{}}.png" for name in (masks, numbers) if name]))
    assert matched(tmp_path) == expected("images/{}.jpg", f"{numbers}/{{}}.png")
    assert len(survey(tmp_path, contents=False).notes) == (masks is not None)


def test_numbers_of_cells_in_the_sides_of_a_split_and_beside_images(tmp_path):
    for side in ("train", "test"):
        make(tmp_path, *numbered(*[f"{side}/{part}/{{}}.png" for part in ("images", "masks", "instances")], count=3))
    assert {pair.mask.parent.name for pair in find_pairs(tmp_path)} == {"instances"}
    assert {p.mask.parent.name for p in survey(tmp_path, contents=False, numbered=False).pairs} == {"masks"}
    beside = make(tmp_path / "beside", *numbered("{}.png", "masks/{}.png", "instances/{}.png"))
    assert matched(beside) == expected("{}.png", "instances/{}.png")
    assert {p.mask.parent.name for p in survey(beside, contents=False, numbered=False).pairs} == {"masks"}
