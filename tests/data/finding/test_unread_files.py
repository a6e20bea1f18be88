"""Folders that hold files which are not read: the message names them and the remedy."""

import pytest

from tests.data.finding.drawn_sets import make, numbered
from tests.data.found_pairs import problems


@pytest.mark.parametrize(
    ("ending", "remedy"),
    [
        (".gif", "convert them to PNG"),
        (".webp", "mogrify -format png *.webp"),
        (".jp2", "convert them to PNG"),
        (".npy", "tifffile.imwrite"),
        (".vsi", "export the images as TIFF"),
        (".mat", "scipy.io.loadmat"),
        (".zip", "unpack them"),
        (".dcm", "export the slices"),
    ],
)
def test_masks_that_are_not_read(ending, remedy, tmp_path):
    make(tmp_path, *numbered("images/{}.png", f"masks/{{}}{ending}"))
    (problem,) = problems(tmp_path)
    assert f"masks holds no mask files that are read, only 6 {ending} files such as 1{ending}: " in problem
    assert remedy in problem


def test_images_that_are_not_read(tmp_path):
    make(tmp_path, *numbered("{}.czi"))
    (problem,) = problems(tmp_path)
    assert "holds no images that are read, only 6 .czi files such as 1.czi: export the images as TIFF" in problem


def test_a_command_spells_the_ending_as_the_files_do(tmp_path):
    make(tmp_path, *numbered("images/{}.HEIC", "masks/{}.png"))
    (problem,) = problems(tmp_path)
    assert "only 6 .heic files such as 1.HEIC: convert them to PNG" in problem and "-format png *.HEIC)" in problem


def test_raw_files_of_a_camera(tmp_path):
    make(tmp_path, *numbered("images/{}.NEF", "masks/{}.png"))
    (problem,) = problems(tmp_path)
    assert "only 6 .nef files such as 1.NEF: develop these raw files" in problem


@pytest.mark.parametrize("ending", [".gif", ".npy"])
def test_masks_beside_their_images_that_are_not_read(ending, tmp_path):
    make(tmp_path, *numbered("{}.png", f"{{}}_mask{ending}"))
    (problem,) = problems(tmp_path)
    assert f"holds 6 image files but no masks; 6 {ending} files such as 1_mask{ending} are not read: " in problem
