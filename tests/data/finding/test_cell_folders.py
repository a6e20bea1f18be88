"""Folders of one image each, with one mask a cell or a single mask."""

import pytest

from minunet.data.finding.input_images import find_input_images
from minunet.data.pairs import survey
from tests.data.finding.drawn_sets import expected, make, matched, numbered
from tests.data.found_pairs import problems


@pytest.mark.parametrize("top", ["", "stage1_train/"])
@pytest.mark.parametrize("image", ["c{n}/images/c{}.png", "c{n}/image.png", "c{n}/images/image.png"])
def test_one_mask_a_cell(top, image, tmp_path):
    make(tmp_path, *numbered(top + image, top + "c{n}/masks/x1.png", top + "c{n}/masks/x2.png"))
    assert matched(tmp_path) == expected(top + image, top + "c{n}/masks")
    found = survey(tmp_path, contents=False)
    side = "train/" if top else ""
    name = "c{}/image" if "image.png" in image else "c{}"
    assert [pair.name for pair in found.pairs] == [side + name.format(i) for i in range(1, 7)]
    assert "one mask a cell: 12 mask files of 6 images are merged" in found.notes[0]


def test_an_image_of_a_single_cell_among_them_is_a_folder_too(tmp_path):
    make(tmp_path, *numbered("c{n}/images/c{}.png", "c{n}/masks/a.png", count=5), "c1/masks/b.png")
    assert matched(tmp_path) == expected("c{n}/images/c{}.png", "c{n}/masks", 5)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("c{n}/images/c{}.png", "c{n}/masks/any.png"),
        ("c{n}/image.png", "c{n}/mask.png"),
        ("c{n}/c{}.png", "c{n}/label.png"),
    ],
)
def test_one_mask_an_image(image, mask, tmp_path):
    make(tmp_path, *numbered(image, mask))
    assert matched(tmp_path) == expected(image, mask)
    assert survey(tmp_path, contents=False).notes == ()


def test_a_folder_named_after_each_image_holds_its_masks(tmp_path):
    make(tmp_path, *numbered("images/{}.png", "masks/{n}/a.png", "masks/{n}/b.png"))
    assert matched(tmp_path) == expected("images/{}.png", "masks/{n}")


def test_an_image_without_masks_and_a_folder_without_an_image(tmp_path):
    make(tmp_path, *numbered("c{n}/images/c{}.png", "c{n}/masks/a.png", "c{n}/masks/b.png", count=9))
    make(tmp_path, "c10/images/c10.png", "odd/readme.txt")
    first, second = problems(tmp_path)
    assert first.startswith(f"{tmp_path}/c10/images/c10.png has no mask: add its masks to {tmp_path}/c10/masks")
    assert "--skip-unpaired" in second
    found = survey(tmp_path, skip_unpaired=True, contents=False).require()
    assert len(found.pairs) == 9
    assert "left out, without an image in them: odd/." in found.notes


def test_two_folders_of_one_image_and_wrong_masks_are_no_cells(tmp_path):
    make(tmp_path, "images/1.png", "masks/10.png", "masks/11.png")
    assert "1.png has no mask" in problems(tmp_path)[0]


def test_the_images_to_predict_are_those_without_the_masks(tmp_path):
    make(tmp_path, *numbered("c{n}/images/c{}.png", "c{n}/masks/a.png", "c{n}/masks/b.png", count=3))
    make(tmp_path, *numbered("d/{n}/image.png", "d/{n}/mask.png", count=3))
    assert sorted(image.path.name for image in find_input_images([tmp_path]).images) == [
        "c1.png",
        "c2.png",
        "c3.png",
        *["image.png"] * 3,
    ]


def test_a_folder_of_two_files_among_folders_with_a_mask_for_each_cell(tmp_path):
    make(tmp_path, "a/s1.png", "a/s1_mask.png")
    make(tmp_path, *numbered("b{n}/images/x.png", "b{n}/masks/1.png", "b{n}/masks/2.png"))
    assert matched(tmp_path) == {"a/s1.png": "a/s1_mask.png"} | expected("b{n}/images/x.png", "b{n}/masks")
