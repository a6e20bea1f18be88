"""The layouts of folders in which images and masks are found, and those that are refused or read with a remark."""

import os

import pytest

from minunet.data.pairs import find_pairs, survey
from tests.data.found_pairs import names, problems
from tests.data.small_pictures import disc, photo, save


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images", "masks"),
        ("imgs", "masks"),
        ("original", "mask"),
        ("image", "label"),
        ("Images", "MASKS"),
        ("img", "labels"),
    ],
)
def test_two_folders(make_set, images, masks):
    root = make_set("10", "1", "2", images=images, masks=masks)
    assert names(find_pairs(root)) == [(n, f"{n}.png", f"{n}.png", None) for n in ("1", "2", "10")]
    assert all(pair.image.parent.name == images and pair.mask.parent.name == masks for pair in find_pairs(str(root)))


@pytest.mark.parametrize(("images", "masks"), [("original", "mask"), ("images", "masks"), ("image", "label")])
def test_layout_inside_train_and_test_keeps_the_split(make_set, tmp_path, images, masks):
    make_set("1", "2", root=tmp_path / "train", images=images, masks=masks)
    make_set("1", "3", root=tmp_path / "Test", images=images, masks=masks)
    make_set("4", root=tmp_path / "val", images=images, masks=masks)
    assert [(pair.name, pair.split) for pair in find_pairs(tmp_path)] == [
        ("train/1", "train"),
        ("train/2", "train"),
        ("validation/4", "validation"),
        ("test/1", "test"),
        ("test/3", "test"),
    ]


def test_train_and_test_inside_images_and_masks(make_set, tmp_path):
    make_set("1", images="images/train", masks="masks/train")
    make_set("2", images="images/test", masks="masks/test")
    assert [(pair.name, pair.split) for pair in find_pairs(tmp_path)] == [("train/1", "train"), ("test/2", "test")]
    os.rename(tmp_path / "masks" / "test", tmp_path / "masks" / "val")
    assert problems(tmp_path) == [
        f"{tmp_path}/images/test has no counterpart in {tmp_path}/masks: add one or move it out.",
        f"{tmp_path}/masks/val has no counterpart in {tmp_path}/images: add one or move it out.",
    ]


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


def test_flat_layout_inside_train_and_test(tmp_path):
    for side in ("train", "test"):
        save(tmp_path / side / "a.png", photo())
        save(tmp_path / side / "a_mask.png", disc())
    assert [(pair.name, pair.mask.name) for pair in find_pairs(tmp_path)] == [
        ("train/a", "a_mask.png"),
        ("test/a", "a_mask.png"),
    ]


def test_two_named_folders_and_masks_with_a_suffix(tmp_path):
    save(tmp_path / "A" / "1.TIF", photo(), format="TIFF")
    save(tmp_path / "A" / "10.JPeG", photo(), format="JPEG")
    save(tmp_path / "B" / "1_mask.png", disc())
    save(tmp_path / "B" / "10-Mask.BMP", disc(), format="BMP")
    found = find_pairs(images=tmp_path / "A", masks=str(tmp_path / "B"))
    assert names(found) == [("1", "1.TIF", "1_mask.png", None), ("10", "10.JPeG", "10-Mask.BMP", None)]
    save(tmp_path / "A" / "2.png", photo())
    save(tmp_path / "A" / "2_mask.png", disc())
    os.remove(tmp_path / "A" / "1.TIF")
    os.remove(tmp_path / "A" / "10.JPeG")
    assert names(find_pairs(images=tmp_path / "A", masks=tmp_path / "A")) == [("2", "2.png", "2_mask.png", None)]


def test_a_layout_one_level_deeper_or_with_other_names_is_pointed_out(make_set, tmp_path):
    make_set("a", root=tmp_path / "top" / "unzipped")
    assert problems(tmp_path / "top") == [
        f"{tmp_path}/top holds no images itself, but {tmp_path}/top/unzipped does: give that folder."
    ]
    make_set("a", root=tmp_path / "odd", images="pictures", masks="truth")
    (tmp_path / "odd" / "pictures" / "a.png").unlink()
    (tmp_path / "odd" / "truth" / "a.png").unlink()
    assert problems(tmp_path / "odd") == [
        f"{tmp_path}/odd holds no images/ and masks/, only pictures/ and truth/: rename these, or use --images and --masks."
    ]


def test_a_lone_folder_and_a_folder_of_images_alone(make_set, tmp_path):
    make_set("a")
    assert problems(tmp_path / "images") == [
        f"{tmp_path}/images holds 1 image file but no masks: name them like their images with _mask behind "
        "(a_mask.png), or give the folder that holds images/ and masks/."
    ]
    os.rename(tmp_path / "masks", tmp_path / "other")
    assert problems(tmp_path) == [
        f"{tmp_path} has images/ but no folder of masks: add masks/, or use --images and --masks."
    ]


def test_two_possible_layouts(make_set, tmp_path):
    make_set("a")
    make_set("b", images="imgs")
    assert problems(tmp_path) == [
        f"{tmp_path} can be read as images/ with masks/ and imgs/ with masks/: choose with --images and --masks."
    ]


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


def test_splits_win_over_stray_files(make_set, tmp_path):
    make_set("a", root=tmp_path / "train")
    make_set("b", root=tmp_path / "test")
    save(tmp_path / "preview.png", photo())
    found = survey(tmp_path)
    assert [pair.name for pair in found.pairs] == ["train/a", "test/b"]
    assert found.warnings == (f"{tmp_path} was read by its folders train/ and test/; left out: preview.png.",)
