"""The images to predict in files and folders: each once, under a name of its own, and nothing that is not an image."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minunet.data.finding.input_images import FileInFolder, find_input_images, result_names
from minunet.errors import UserError
from tests.data.finding.drawn_sets import make


def found(*paths, **options):
    return [(image.path.name, image.name) for image in find_input_images(paths, **options).images]


def test_files_and_folders_in_natural_order(tmp_path):
    make(tmp_path, "a/img10.png", "a/img2.png", "a/deep/er/x.JPG", "b.tif")
    assert found(tmp_path / "a", tmp_path / "b.tif") == [
        ("img2.png", "img2"),
        ("img10.png", "img10"),
        ("x.JPG", "deep/er/x"),
        ("b.tif", "b"),
    ]


def test_a_file_given_twice_is_predicted_once(tmp_path):
    make(tmp_path, "a/1.png", "a/2.png")
    assert found(tmp_path / "a/2.png", tmp_path / "a", str(tmp_path / "a" / ".." / "a" / "1.png")) == [
        ("2.png", "2"),
        ("1.png", "1"),
    ]


def test_what_is_no_image_is_listed_and_hidden_files_are_not(tmp_path):
    make(tmp_path, "1.png", "notes.txt", ".hidden.png", ".folder/2.png", "deep/table.csv")
    inputs = find_input_images([tmp_path])
    assert [image.name for image in inputs.images] == ["1"]
    assert [path.name for path in inputs.others] == ["notes.txt", "table.csv"]


def test_an_image_named_itself_needs_no_known_ending(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "scan", format="PNG")
    assert found(tmp_path / "scan") == [("scan", "scan")]


def test_of_a_data_set_only_the_images(tmp_path):
    make(tmp_path, "images/1.png", "masks/1.png", "instances/1.png", "classes/1.png", "sheet.png", "cells.csv")
    inputs = find_input_images([tmp_path])
    assert [image.name for image in inputs.images] == ["images/1"]
    assert [path.name for path in inputs.masks] == ["sheet.png", "classes", "instances", "masks"]


def test_of_a_divided_data_set_only_the_images(tmp_path):
    make(tmp_path, "train/original/1.png", "train/mask/1.png", "test/original/1.png", "test/mask/1.png")
    assert found(tmp_path) == [("1.png", "test/original/1"), ("1.png", "train/original/1")]


def test_masks_beside_their_images_are_ignored(tmp_path):
    make(tmp_path, "1.png", "1_mask.png", "2.png", "2-mask.png", "lonely_mask.png")
    inputs = find_input_images([tmp_path])
    assert [image.name for image in inputs.images] == ["1", "2", "lonely_mask"]
    assert [path.name for path in inputs.masks] == ["1_mask.png", "2-mask.png"]


def test_a_folder_of_masks_is_predicted_if_it_is_given(tmp_path):
    make(tmp_path, "masks/1.png")
    assert found(tmp_path / "masks") == [("1.png", "1")]


def test_results_are_ignored(tmp_path):
    make(tmp_path, "1.png", "out/1_overlay.png")
    inputs = find_input_images([tmp_path], is_result=lambda path: path.name.endswith("_overlay.png"))
    assert [image.name for image in inputs.images] == ["1"]
    assert [path.name for path in inputs.results] == ["1_overlay.png"]


def test_same_names_in_two_folders_get_their_folders(tmp_path):
    make(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    assert found(tmp_path / "a", tmp_path / "b") == [("1.png", "a/1"), ("2.png", "a/2"), ("1.png", "b/1")]
    assert found(tmp_path / "a/1.png", tmp_path / "b/1.png") == [("1.png", "a/1"), ("1.png", "b/1")]


def test_same_names_but_for_the_ending(tmp_path):
    make(tmp_path, "1.png", "1.jpg", "2.png")
    assert found(tmp_path) == [("1.jpg", "1_jpg"), ("1.png", "1_png"), ("2.png", "2")]


def test_same_names_in_folders_of_the_same_name(tmp_path):
    make(tmp_path, "p/x/1.png", "q/x/1.png")
    assert found(tmp_path / "p/x", tmp_path / "q/x") == [("1.png", "x/1"), ("1.png", "x/1_2")]


def test_a_link_to_a_folder_above_does_not_go_round(tmp_path):
    make(tmp_path, "a/1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert found(tmp_path) == [("1.png", "a/1")]


def test_every_problem_at_once(tmp_path):
    make(tmp_path, "empty/notes.txt", "good/1.png")
    with pytest.raises(UserError) as caught:
        find_input_images([tmp_path / "empty", tmp_path / "absent.png", tmp_path / "good", tmp_path / "gone"])
    first, second, third = caught.value.problems
    assert str(tmp_path / "empty") in first
    assert "holds no images" in first
    assert "absent.png does not exist" in second
    assert "gone does not exist" in third


def test_a_folder_of_files_that_are_not_read_says_what_to_do_with_them(tmp_path):
    make(tmp_path, "phone/IMG_1.HEIC", "phone/more/IMG_2.HEIC", "phone/notes.txt")
    with pytest.raises(UserError) as caught:
        find_input_images([tmp_path / "phone"])
    (problem,) = caught.value.problems
    assert problem.startswith(
        f"{tmp_path / 'phone'} holds no images: 2 .heic files such as IMG_1.HEIC are not read: convert them"
    )


SEGMENTS = st.sampled_from(["a", "A", "b", "1", "1_png", "1_jpg", "a_2", "é"])
FILES = st.builds(
    lambda root, folders, stem, ending: FileInFolder(Path("/", *root, *folders, stem + ending), Path("/", *root)),
    st.lists(SEGMENTS, max_size=2),
    st.lists(SEGMENTS, max_size=2),
    SEGMENTS,
    st.sampled_from([".png", ".jpg", ".PNG", ""]),
)


@given(st.lists(FILES, max_size=12, unique_by=lambda item: item.path))
def test_no_two_images_share_a_name(items):
    names = result_names(items)
    assert len({name.casefold() for name in names}) == len(items)
    for name in names:
        assert name
        assert not name.startswith("/")
        assert ".." not in name.split("/")


@given(st.lists(FILES, max_size=12, unique_by=lambda item: item.path.name.casefold()))
def test_names_follow_the_files(items):
    for item, name in zip(items, result_names(items), strict=True):
        assert Path(name).name.startswith(item.path.with_suffix("").name)


def test_everything_that_is_missing_is_reported_at_once(tmp_path):
    for name in ("empty", "bare"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError) as error:
        find_input_images([tmp_path / "gone", tmp_path / "empty", tmp_path / "bare"])
    assert [problem.split(str(tmp_path))[1].split(":")[0] for problem in error.value.problems] == [
        f"{os.sep}gone does not exist",
        f"{os.sep}empty holds no images",
        f"{os.sep}bare holds no images",
    ]
