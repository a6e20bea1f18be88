"""Images whose masks are outlines: what is found of them, and files of boxes, which are refused."""

import pytest

from minunet.data.pairs import find_pairs, survey
from minunet.errors import UserError
from tests.data.outlines.drawn_outlines import MASKS, NAMES, SHAPE, coco, draw_images, is_true, write
from tests.data.small_pictures import photo, save


def test_coco_says_what_it_is_and_how_many_cells(tmp_path):
    draw_images(tmp_path)
    write(tmp_path / "all.json", coco({f"{name}.png": labels for name, labels in MASKS.items()}))
    assert survey(tmp_path).notes == ("masks are outlines of COCO: 18 cells in 3 images.",)


def boxes_of(kind, root):
    box = {"points": [[5, 5], [20, 20]], "shape_type": "rectangle", "label": "red"}
    for name in NAMES:
        if kind == "voc":
            xml = "<annotation><object><name>RBC</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"
            (root / "Annotations").mkdir(exist_ok=True)
            (root / "Annotations" / f"{name}.xml").write_text(xml)
        elif kind == "kitti":
            (root / "labels").mkdir(exist_ok=True)
            (root / "labels" / f"{name}.txt").write_text("rbc 0.00 0 0 1.0 2.0 9.5 8.5 0 0 0 0 0 0 0\n")
        elif kind == "yolo":
            (root / "labels").mkdir(exist_ok=True)
            (root / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.1 0.1\n1 0.2 0.2 0.1 0.1\n")
        elif kind == "labelme":
            write(root / "images" / f"{name}.json", {"shapes": [box], "imageWidth": SHAPE[1], "imageHeight": SHAPE[0]})
        else:
            images = [{"id": i, "file_name": f"{n}.png"} for i, n in enumerate(NAMES)]
            boxes = [{"image_id": i, "bbox": [1, 2, 3, 4], "category_id": 0, "segmentation": []} for i in range(3)]
            write(root / "boxes.json", {"images": images, "annotations": boxes})


@pytest.mark.parametrize("kind", ["voc", "yolo", "coco", "labelme", "kitti"])
def test_boxes_are_no_outlines(kind, tmp_path):
    draw_images(tmp_path / "images")
    boxes_of(kind, tmp_path)
    with pytest.raises(UserError) as caught:
        find_pairs(tmp_path)
    (problem,) = caught.value.problems
    assert "holds boxes, not outlines: minunet needs masks" in problem
    assert "3 images" in problem
    assert ("every outline is a rectangle" in problem) == (kind == "labelme")


def test_outlines_that_are_rectangles_are_refused_with_the_reason_and_the_remedy(tmp_path):
    draw_images(tmp_path)
    square = {"points": [[10, 10], [20, 10], [20, 20], [10, 20]], "shape_type": "polygon", "label": "cell"}
    for name in NAMES:
        write(tmp_path / f"{name}.json", {"shapes": [square], "imageWidth": SHAPE[1], "imageHeight": SHAPE[0]})
    with pytest.raises(UserError) as caught:
        find_pairs(tmp_path)
    (problem,) = caught.value.problems
    assert "every outline is a rectangle along the axes, and so it is taken for a box" in problem
    assert "give their masks as images" in problem
    triangle = {**square, "points": [[10, 10], [20, 10], [20, 20]]}
    write(tmp_path / f"{NAMES[0]}.json", {"shapes": [triangle], "imageWidth": SHAPE[1], "imageHeight": SHAPE[0]})
    with pytest.raises(UserError) as caught:
        find_pairs(tmp_path)
    assert caught.value.problems[0].endswith(
        "every outline is a rectangle along the axes, and so it is taken for a box."
    )


def test_an_image_without_an_entry_and_an_entry_without_an_image(tmp_path):
    draw_images(tmp_path)
    save(tmp_path / "c.png", photo(9, SHAPE[::-1]))
    write(tmp_path / "all.json", coco({f"{n}.png": m for n, m in MASKS.items()} | {"gone.png": MASKS["a1"]}))
    problems = survey(tmp_path).problems
    assert problems[0].startswith(f"{tmp_path}/c.png has no mask")
    assert "no image for its entry gone.png" in problems[1]
    assert is_true(tmp_path, skip_unpaired=True)


@pytest.mark.parametrize("line", ["0 0.1 0.1 x 0.1 0.5 0.5", "0 0.1 0.1 0.2 0.1 0.5 0.5 0.6"])
def test_a_damaged_line_of_yolo_is_a_problem_that_names_the_file(line, tmp_path):
    draw_images(tmp_path / "images")
    (tmp_path / "labels").mkdir()
    for name in NAMES:
        (tmp_path / "labels" / f"{name}.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    (tmp_path / "labels" / "a2.txt").write_text(f"0 0.1 0.1 0.5 0.1 0.5 0.5\n{line}\n")
    assert survey(tmp_path).problems[0].startswith(f"{tmp_path}/labels/a2.txt: line 2 has ")
