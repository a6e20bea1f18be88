"""The layouts of folders in which images and masks are found, and those that are refused or read with a remark."""

import os

import pytest

from minunet.data.pairs import find_pairs, survey
from tests.data.finding.drawn_sets import expected, make, matched, numbered
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


def test_the_images_of_a_folder_with_other_masks(make_set, tmp_path):
    root = make_set("1", "2")
    for name in ("1", "2"):
        save(root / "classes" / f"{name}.png", disc(7))
    pairs = find_pairs(root, masks=root / "classes")
    assert [(pair.image.parent.name, pair.mask.parent.name) for pair in pairs] == [("images", "classes")] * 2
    assert names(find_pairs(root)) == names(pairs)  # without --masks the folder of other masks does not disturb
    assert all(pair.mask.parent.name == "masks" for pair in find_pairs(root))


def test_images_beside_their_masks_with_other_masks(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "flat" / f"{name}.png", photo())
        save(tmp_path / "flat" / f"{name}_mask.png", disc())
        save(tmp_path / "other" / f"{name}.png", disc())
    pairs = find_pairs(tmp_path / "flat", masks=tmp_path / "other")
    assert [(pair.image.name, pair.mask.parent.name) for pair in pairs] == [("a.png", "other"), ("b.png", "other")]


def test_other_masks_for_a_folder_whose_images_are_not_told(make_set, tmp_path):
    make_set("1", root=tmp_path / "deep")
    masks = tmp_path / "deep" / "masks"
    assert problems(tmp_path, masks=masks) == [
        f"--masks {masks}: {tmp_path} holds no folder images/ and no image files: say with --images in place of DATA which "
        "images are meant."
    ]
    make_set("1", root=tmp_path / "two", images="raw")
    make_set("1", root=tmp_path / "two", images="images")
    assert "holds images/ and raw/: say with --images" in problems(tmp_path / "two", masks=masks)[0]


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


def test_a_layout_some_levels_deeper_is_read_and_said(make_set, tmp_path):
    make_set("a", root=tmp_path / "top" / "unzipped" / "set")
    found = survey(tmp_path / "top")
    assert [pair.name for pair in found.pairs] == ["a"]
    assert f"{tmp_path}/top was read by its folder unzipped/." in found.notes


def test_splits_win_over_stray_files(make_set, tmp_path):
    make_set("a", root=tmp_path / "train")
    make_set("b", root=tmp_path / "test")
    save(tmp_path / "preview.png", photo())
    found = survey(tmp_path)
    assert [pair.name for pair in found.pairs] == ["train/a", "test/b"]
    assert found.warnings == (f"{tmp_path} was read by its folders train/ and test/; left out: preview.png.",)


def test_images_beside_the_folder_of_their_masks(tmp_path):
    make(tmp_path, *numbered("{}.png", "masks/{}_seg.png"))
    assert matched(tmp_path) == expected("{}.png", "masks/{}_seg.png")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (("train/images/{}.png", "train/masks/{}.png"), "test/images/{}.png"),
        (("train/{}.png", "train/{}_mask.png"), "test/{}.png"),
        (("train/images/{}.png", "train/masks/{}.png"), "val/{}.png"),
        (("images/train/{}.png", "masks/train/{}.png"), "images/test/{}.png"),
        (("imagesTr/{}.png", "labelsTr/{}.png"), "imagesTs/{}.png"),
        (("train_images/{}.png", "train_masks/{}.png"), "test_images/{}.png"),
        (("stage1_train/images/{}.png", "stage1_train/masks/{}.png"), "stage1_test/{n}/images/{}.png"),
    ],
)
def test_a_side_without_masks_is_left_out_and_said(train, test, tmp_path):
    make(tmp_path, *numbered(*train), *numbered(test, count=3))
    found = survey(tmp_path, contents=False).require()
    assert len(found.pairs) == 6
    (note,) = found.notes
    assert note.endswith("holds 3 images without masks: left out.")
    assert found.warnings == ()


def test_training_images_without_masks_are_not_left_out(tmp_path):
    make(tmp_path, *numbered("train/images/{}.png", "test/images/{}.png", "test/masks/{}.png"))
    assert "train has images/ but no folder of masks" in problems(tmp_path)[0]


def test_deeper_folders_beside_files(tmp_path):
    make(tmp_path, *numbered("images/{}.png", "masks/{}.png", "images/more/{}.png", "masks/more/{}.png"))
    assert matched(tmp_path) == expected("images/{}.png", "masks/{}.png") | expected(
        "images/more/{}.png", "masks/more/{}.png"
    )
    assert "more/1" in [pair.name for pair in survey(tmp_path, contents=False).pairs]


def test_folders_on_one_side_only(tmp_path):
    make(tmp_path, *numbered("images/patient{n}/x{}.png", "masks/x{}_mask.png"))
    assert matched(tmp_path) == expected("images/patient{n}/x{}.png", "masks/x{}_mask.png")


def test_several_folders_each_with_images_and_masks(tmp_path):
    make(tmp_path, *numbered("p{n}/images/a.png", "p{n}/masks/a.png", "p{n}/images/b.png", "p{n}/masks/b.png", count=3))
    found = survey(tmp_path, contents=False).require()
    assert [pair.name for pair in found.pairs] == ["p1/a", "p1/b", "p2/a", "p2/b", "p3/a", "p3/b"]
    assert found.notes == (f"{tmp_path} was read by its folders p1/, p2/ and p3/.",)


def test_linked_folders_are_read_once_and_links_in_a_circle_end(tmp_path):
    make(tmp_path / "real", *numbered("{}.png"))
    make(tmp_path / "set", *numbered("masks/{}.png"))
    (tmp_path / "set" / "images").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    (tmp_path / "set" / "masks" / "self").symlink_to(tmp_path / "set" / "masks")
    assert len(survey(tmp_path / "set", contents=False).require().pairs) == 6
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "one").symlink_to(tmp_path / "set")
    (tmp_path / "all" / "two").symlink_to(tmp_path / "set")
    (tmp_path / "all" / "up").symlink_to(tmp_path / "all")
    assert len(survey(tmp_path / "all", contents=False).require().pairs) == 6


def test_images_without_masks_among_many(tmp_path):
    make(tmp_path, *numbered("images/{}.png", count=60), *numbered("masks/{}.png", count=30))
    found = problems(tmp_path)
    assert len(found) == 22
    assert found[20] == "and 10 more of 30 images without a mask."
    assert found[21] == (
        "30 images have a mask: with --skip-unpaired only these are used, and the others are left out."
    )
    skipped = survey(tmp_path, skip_unpaired=True, contents=False).require()
    assert len(skipped.pairs) == 30
    assert skipped.notes[0].startswith("30 images without a mask left out, such as")


def test_nothing_is_skipped_where_nothing_matches(tmp_path):
    make(tmp_path, *numbered("images/{}.png"))
    (tmp_path / "masks").mkdir()
    for skip in (False, True):
        assert "masks holds no mask files" in problems(tmp_path, skip_unpaired=skip)[0]
