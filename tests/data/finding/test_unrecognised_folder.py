"""What is said of a folder that has none of the layouts."""

import os

from tests.data.found_pairs import problems


def test_folders_of_other_names_are_pointed_out(make_set, tmp_path):
    make_set("a", root=tmp_path, images="pictures", masks="results")
    assert problems(tmp_path) == [
        f"{tmp_path} holds no images/ and masks/, but the files of pictures/ and results/ match: choose with "
        f"--images {tmp_path}/pictures --masks {tmp_path}/results, or "
        f"--images {tmp_path}/results --masks {tmp_path}/pictures."
    ]
    (tmp_path / "pictures" / "a.png").unlink()
    (tmp_path / "results" / "a.png").unlink()
    assert problems(tmp_path) == [
        f"{tmp_path} holds no images/ and masks/, only pictures/ and results/: rename these, or use --images and --masks."
    ]


def test_a_lone_folder_and_a_folder_of_images_alone(make_set, tmp_path):
    make_set("a")
    assert problems(tmp_path / "images") == [
        f"{tmp_path}/images holds 1 image file but no masks: name them like their images with _mask behind "
        "(a_mask.png), or give the folder that holds images/ and masks/. To count cells, no masks are needed: "
        f"python -m minunet.predict {tmp_path}/images"
    ]
    os.rename(tmp_path / "masks", tmp_path / "other")
    assert problems(tmp_path) == [
        f"{tmp_path} holds no images/ and masks/, but the files of images/ and other/ match: choose with "
        f"--images {tmp_path}/images --masks {tmp_path}/other."
    ]
    os.rename(tmp_path / "other" / "a.png", tmp_path / "other" / "b.png")
    assert problems(tmp_path) == [
        f"{tmp_path} has images/ but no folder of masks: add masks/, or use --images and --masks."
    ]
