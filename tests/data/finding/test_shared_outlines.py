"""Files with the outlines of many images, in the folder of the images or above several folders of them."""

import numpy as np
import pytest

from minunet.data.pairs import find_pairs, survey
from minunet.data.reading.pair_files import read_mask
from minunet.errors import UserError
from tests.data.outlines.drawn_outlines import MASKS, coco, draw_images, is_true, write


def test_coco_with_folders_in_its_names_and_a_file_for_each_side(tmp_path):
    for side in ("train", "valid"):
        draw_images(tmp_path / side)
        masks = {f"{side}/{name}.png": labels for name, labels in MASKS.items()}
        write(tmp_path / side / "_annotations.coco.json", coco(masks))
    pairs = find_pairs(tmp_path)
    assert [pair.split for pair in pairs] == ["train"] * 3 + ["validation"] * 3
    assert all(np.array_equal(read_mask(pair).values, MASKS[pair.image.stem]) for pair in pairs)


def test_coco_in_a_folder_beside_the_sides(tmp_path):
    for side in ("train2017", "val2017"):
        draw_images(tmp_path / side)
        write(
            tmp_path / "annotations" / f"instances_{side}.json", coco({f"{name}.png": m for name, m in MASKS.items()})
        )
    pairs = find_pairs(tmp_path)  # the images of both sides have the same names, so that those of the files decide
    assert [(pair.split, pair.mask.stem) for pair in pairs[2:4]] == [
        ("train", "instances_train2017"),
        ("validation", "instances_val2017"),
    ]


def test_pictures_of_the_annotations_are_no_images(tmp_path):
    draw_images(tmp_path / "JPEGImages")
    draw_images(tmp_path / "Visualization")
    write(tmp_path / "annotations.json", coco({f"JPEGImages/{name}.png": m for name, m in MASKS.items()}))
    found = survey(tmp_path).require()
    assert [pair.image.parent.name for pair in found.pairs] == ["JPEGImages"] * 3
    assert found.notes[0] == f"{tmp_path}/Visualization holds 3 images without outlines: left out."


def test_two_files_of_the_same_images_are_a_question(tmp_path):
    draw_images(tmp_path)
    for name in ("first", "second"):
        write(tmp_path / f"{name}.json", coco({f"{name}.png": m for name, m in MASKS.items()}))
    with pytest.raises(UserError) as caught:
        find_pairs(tmp_path)
    assert f"choose with --images {tmp_path} --masks {tmp_path}/first.json or" in caught.value.problems[0]
    assert is_true(None, images=tmp_path, masks=tmp_path / "second.json")
