import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pictures import disc, photo, save

from minunet.data.listing import natural_key, several
from minunet.data.pairs import check_pairs, find_pairs, survey
from minunet.errors import UserError


def names(pairs):
    return [(pair.name, pair.image.name, pair.mask.name, pair.split) for pair in pairs]


def problems(*args, **kwargs):
    with pytest.raises(UserError) as caught:
        find_pairs(*args, **kwargs)
    return caught.value.problems


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


def test_an_image_named_like_a_mask_keeps_its_own_mask(tmp_path):
    for name in ("a", "a_mask"):
        save(tmp_path / "images" / f"{name}.png", photo())
        save(tmp_path / "masks" / f"{name}.png", disc())
    assert names(find_pairs(tmp_path)) == [("a", "a.png", "a.png", None), ("a_mask", "a_mask.png", "a_mask.png", None)]


def test_files_that_are_no_images_are_passed_over(make_set, tmp_path):
    make_set("a")
    for name in (".a.png", "Thumbs.db", "README.md", "a.txt", "._a.png"):
        (tmp_path / "images" / name).write_text("x")
    (tmp_path / "images" / "folder.png").mkdir()
    found = survey(tmp_path)
    assert names(found.pairs) == [("a", "a.png", "a.png", None)]
    assert found.problems == found.warnings == ()


def test_formats_that_are_not_read_are_told(make_set, tmp_path):
    make_set("a")
    (tmp_path / "images" / "b.webp").write_text("x")
    assert survey(tmp_path).warnings == (
        f"{tmp_path}/images holds 1 file in formats that are not read (.webp), such as b.webp: "
        "convert what belongs to the set to PNG or TIFF.",
    )


def test_one_never_matches_ten(tmp_path):
    save(tmp_path / "images" / "1.png", photo())
    save(tmp_path / "masks" / "10.png", disc())
    assert problems(tmp_path) == [
        f"{tmp_path}/images/1.png has no mask: add {tmp_path}/masks/1.png or take the image out.",
        f"{tmp_path}/masks/10.png has no image: add the image of that name or take the mask out.",
    ]


def test_nearly_equal_names_are_pointed_out(tmp_path):
    save(tmp_path / "images" / "Cell-07.png", photo())
    save(tmp_path / "masks" / "cell_7.png", disc())
    assert problems(tmp_path)[0] == (
        f"{tmp_path}/images/Cell-07.png has no mask, but cell_7.png is named almost alike: rename one like the other."
    )


def test_no_name_in_common_is_one_sentence(tmp_path):
    for i in range(8):
        save(tmp_path / "images" / f"image {i}.png", photo())
        save(tmp_path / "masks" / f"gt {i}.png", disc())
    assert problems(tmp_path) == [
        f"8 images and 8 masks share no name ({tmp_path}/images/image 0.png, {tmp_path}/images/image 1.png and 6 more; "
        f"{tmp_path}/masks/gt 0.png, {tmp_path}/masks/gt 1.png and 6 more): give each mask the name of its image."
    ]


def test_same_stem_twice_names_both(make_set, tmp_path):
    make_set("a")
    save(tmp_path / "images" / "a.jpg", photo())
    save(tmp_path / "masks" / "a_mask.png", disc())
    assert problems(tmp_path) == [
        f"{tmp_path}/images/a.jpg and {tmp_path}/images/a.png are images of the same name: keep one of them or rename the "
        "other.",
        f"{tmp_path}/masks/a.png and {tmp_path}/masks/a_mask.png are both masks of {tmp_path}/images/a.jpg: keep one of "
        "them.",
    ]


def test_empty_folders(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks" / "more").mkdir(parents=True)
    assert problems(tmp_path) == [
        f"{tmp_path}/images holds no image files: put PNG, JPEG, BMP or TIFF files directly into it.",
        f"{tmp_path}/masks holds no mask files, only more/: put PNG, JPEG, BMP or TIFF files directly into it.",
    ]
    (tmp_path / "nothing").mkdir()
    inside = tmp_path / "nothing"
    assert problems(inside) == [
        f"{inside} holds no images: put them into {inside}/images and their masks into {inside}/masks."
    ]


def test_missing_path_suggests_a_neighbour(make_set, tmp_path, monkeypatch):
    make_set("a", root=tmp_path / "smears")
    assert problems(tmp_path / "smeers") == [f"{tmp_path}/smeers does not exist: did you mean {tmp_path}/smears."]
    assert problems(tmp_path / "other") == [f"{tmp_path}/other does not exist: check the path."]
    monkeypatch.chdir(tmp_path)
    assert problems("other") == [f"other does not exist: check the path, which starts from {tmp_path}."]
    assert problems("gone/other") == [f"gone/other does not exist: check the path, which starts from {tmp_path}."]


def test_a_file_in_place_of_a_folder(tmp_path):
    file = save(tmp_path / "a.png", photo())
    archive = tmp_path / "set.zip"
    archive.write_bytes(b"PK")
    assert problems(file) == [f"{file} is a file, not a folder: give the folder that holds the images and masks."]
    assert problems(images=archive, masks=tmp_path / "none") == [
        f"{archive} is a file, not a folder: unpack it and give the folder that comes out.",
        f"{tmp_path}/none does not exist: check the path.",
    ]


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minunet.data.listing.os.scandir", refuse)  # root may read everything, so chmod shows nothing
    assert problems(tmp_path) == [f"{tmp_path} may not be read: ask for permission to open this folder."]


def test_half_given_arguments(tmp_path):
    assert problems(images=tmp_path) == [
        "--images was given without --masks: give both, or one folder that holds both."
    ]
    assert problems(masks=tmp_path) == ["--masks was given without --images: give both, or one folder that holds both."]
    assert problems(tmp_path, images=tmp_path) == [
        "a data folder and --images or --masks were given: give the folder, or the other two."
    ]
    assert problems() == ["no data were given: name a folder, or give both --images and --masks."]


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


def test_the_documented_names_win_over_looser_ones_and_leftovers_are_told(make_set, tmp_path):
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


def test_everything_wrong_is_told_at_once(make_set, tmp_path):
    make_set("a", "b", "c", "d", "e")
    (tmp_path / "masks" / "a.png").unlink()
    (tmp_path / "images" / "b.png").unlink()
    save(tmp_path / "masks" / "c.png", disc(size=(12, 8)))
    cut = tmp_path / "images" / "d.png"
    cut.write_bytes(cut.read_bytes()[:400])
    (tmp_path / "masks" / "e.png").write_text("hello there")
    found = survey(tmp_path)
    assert found.problems == (
        f"{tmp_path}/images/a.png has no mask: add {tmp_path}/masks/a.png or take the image out.",
        f"{tmp_path}/masks/b.png has no image: add the image of that name or take the mask out.",
        f"{cut} is truncated, the end of the picture is missing: copy or export it again.",
        f"{tmp_path}/masks/e.png is a text file, not an image (it begins with 'hello there'): remove it or put the real "
        "image there.",
        f"{tmp_path}/masks/c.png has 12x8 pixels but {tmp_path}/images/c.png has 24x16: export the mask at the size of "
        "its image.",
    )
    with pytest.raises(UserError) as caught:
        found.require()
    assert caught.value.problems == list(found.problems)
    with pytest.raises(UserError, match="is truncated"):
        check_pairs(found.pairs)


def test_survey_tells_its_progress(make_set, tmp_path):
    make_set("a", "b")
    told = []
    survey(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert check_pairs(find_pairs(tmp_path)) == []


@given(st.lists(st.tuples(st.sampled_from("aB"), st.integers(0, 2000)), max_size=8))
def test_natural_order_is_that_of_the_numbers(parts):
    ordered = sorted({f"{letter}{number}x" for letter, number in parts}, key=natural_key)
    assert [(n[0].lower(), int(n[1:-1])) for n in ordered] == sorted((n[0].lower(), int(n[1:-1])) for n in ordered)


def test_natural_key_takes_any_name():
    assert sorted(["b", "10", "a10", "a9", "", "²", "٣", "a9b"], key=natural_key)[0] == ""


def test_several():
    assert [several(range(n)) for n in (0, 1, 2, 3, 7)] == [
        "",
        "0",
        "0 and 1",
        "0, 1 and 2",
        "0, 1, 2, 3, 4 and 2 more",
    ]


def test_home_is_expanded(make_set, tmp_path, monkeypatch):
    make_set("a", root=tmp_path / "set")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_pairs("~/set")[0].image == Path(tmp_path / "set" / "images" / "a.png")


def test_a_link_to_nothing_is_a_problem_of_its_own(make_set, tmp_path):
    make_set("a", "b")
    (tmp_path / "images" / "b.png").unlink()
    (tmp_path / "images" / "b.png").symlink_to(tmp_path / "gone.png")
    assert survey(tmp_path).problems == (f"{tmp_path}/images/b.png does not exist: check the name.",)


def test_real_set(real_smears):
    pairs = find_pairs(real_smears)
    assert len(pairs) == 90
    assert all(pair.image.stem == pair.mask.stem == pair.name for pair in pairs)
    assert check_pairs(pairs[:6]) == []
    swapped = survey(images=real_smears / "masks", masks=real_smears / "images", contents=False)
    with pytest.raises(UserError, match="look swapped: in 12 pairs of 12 .* 2 grey levels"):
        check_pairs(swapped.pairs[:12])
    assert np.array_equal([pair.split for pair in pairs], [None] * 90)
