"""Files of annotation programs: the masks read are the truth, and damaged ones are one sentence."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from minunet.data.outlines.outline_file import read_outlines
from minunet.data.pairs import find_pairs, survey
from minunet.data.reading.pair_files import read_mask
from minunet.errors import UserError
from tests.data.outlines.drawn_outlines import (
    MASKS,
    SHAPE,
    coco,
    draw_images,
    geojson,
    is_true,
    labelme,
    parts,
    write,
)
from tests.data.small_pictures import photo, save


@pytest.mark.parametrize("place", ["{}.json", "images/{}.json", "annotations/{}.json"])
def test_labelme(place, tmp_path):
    draw_images(tmp_path if place.startswith("{") else tmp_path / "images")
    for name, labels in MASKS.items():
        write(tmp_path / place.format(name), labelme(labels, f"{name}.png"))
    assert is_true(tmp_path)


@pytest.mark.parametrize("form", ["polygons", "lengths", "text"])
@pytest.mark.parametrize("place", ["all.json", "images/all.json", "annotations/instances_default.json"])
def test_coco(form, place, tmp_path):
    draw_images(tmp_path / "images")
    write(tmp_path / place, coco({f"{name}.png": labels for name, labels in MASKS.items()}, form))
    assert is_true(tmp_path)
    assert is_true(None, images=tmp_path / "images", masks=tmp_path / place)


def via(as_project=False, regions_as_object=False):
    """One outline a cell: VIA knows neither holes nor parts."""
    entries = {}
    for name, labels in MASKS.items():
        regions = [
            {
                "shape_attributes": {"name": "polygon", "all_points_x": x.tolist(), "all_points_y": y.tolist()},
                "region_attributes": {"cell": "red"},
            }
            for cell in parts(labels)[:4]
            for x, y in [cell[0].T]
        ]
        stored = {str(i): region for i, region in enumerate(regions)} if regions_as_object else regions
        entries[f"{name}.png123"] = {"filename": f"{name}.png", "size": 123, "regions": stored, "file_attributes": {}}
    return {"_via_settings": {}, "_via_img_metadata": entries} if as_project else entries


@pytest.mark.parametrize("options", [{}, {"as_project": True}, {"regions_as_object": True}])
def test_via(options, tmp_path):
    draw_images(tmp_path)
    write(tmp_path / "via_region_data.json", via(**options))
    for pair in find_pairs(tmp_path):
        truth = MASKS[pair.image.stem]
        assert np.array_equal(read_mask(pair).values, np.where(truth <= 4, truth, 0))


def test_geojson_and_yolo(tmp_path):
    for name, labels in MASKS.items():
        write(tmp_path / "qupath" / f"{name}.geojson", geojson(labels))
        lines = [
            " ".join(["0", *(f"{value:.9f}" for value in (cell[0] / SHAPE[::-1]).ravel())])
            for cell in parts(labels)[:4]
        ]
        (tmp_path / "yolo" / "labels").mkdir(parents=True, exist_ok=True)
        (tmp_path / "yolo" / "labels" / f"{name}.txt").write_text("\n".join(lines))
    draw_images(tmp_path / "qupath")
    draw_images(tmp_path / "yolo" / "images")
    assert is_true(tmp_path / "qupath")
    for pair in find_pairs(tmp_path / "yolo"):
        truth = MASKS[pair.image.stem]
        assert np.array_equal(read_mask(pair).values, np.where(truth <= 4, truth, 0))


def test_the_other_shapes_of_labelme(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels[np.hypot(rows - 10, columns - 12) <= 5] = 1
    labels[20:26, 30:41] = 2
    part = np.array([[0, 1, 1], [1, 1, 0]], np.uint8)
    labels[40:42, 5:8] = 3 * part
    buffer = io.BytesIO()
    Image.fromarray(part * 255).save(buffer, "PNG")
    shapes = [
        {"label": "a", "points": [[12, 10], [17, 10]], "shape_type": "circle"},
        {"label": "b", "points": [[40, 25], [30, 20]], "shape_type": "rectangle"},
        {
            "label": "c",
            "points": [[5, 40], [7, 41]],
            "shape_type": "mask",
            "mask": base64.b64encode(buffer.getvalue()).decode(),
        },
        {"label": "d", "points": [[1, 1]], "shape_type": "point"},
        {"label": "_background_", "points": [[0, 0], [50, 0], [50, 40]], "shape_type": "polygon"},
    ]
    save(tmp_path / "a.png", photo(0, SHAPE[::-1]))
    write(tmp_path / "a.json", {"shapes": shapes, "imageWidth": SHAPE[1], "imageHeight": SHAPE[0]})
    (pair,) = find_pairs(tmp_path)
    assert np.array_equal(read_mask(pair).values, labels)
    assert survey(tmp_path).notes == (
        "masks are outlines of LabelMe: 3 cells in 1 image (a 1, b 1, c 1); 1 mark without an outline left out.",
    )


def test_the_size_of_the_image_is_compared(tmp_path):
    draw_images(tmp_path)
    for name, labels in MASKS.items():
        write(tmp_path / f"{name}.json", {**labelme(labels, "x.png"), "imageWidth": 640})
    problems = survey(tmp_path).problems
    assert problems[0] == (
        f"{tmp_path}/a1.json says that a1.png has 640x48 pixels, but it has 64x48: use the image on which the outlines were drawn."
    )
    assert len(problems) == 3


DEEP = "[" * 100_000
HOSTILE = {
    "deep": DEEP,
    "not JSON": "{",
    "number": "7",
    "shape": '{"shapes": [1]}',
    "points": '{"shapes": [{"points": {"a": 1}}]}',
    "deep points": '{"shapes": [{"points": ' + "[" * 500 + "]" * 500 + "}]}",
    "huge": '{"shapes": [{"points": [[1e308, 1], [2, 3], [4, 5]]}]}',
    "digits": '{"shapes": [{"points": [[1' + "0" * 400 + ", 1], [2, 3], [4, 5]]}]}",
    "nan": '{"shapes": [{"points": [[NaN, 1], [2, 3], [4, 5]]}]}',
    "width": '{"shapes": [], "imageWidth": [], "imageHeight": 3}',
    "mask": '{"shapes": [{"shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": "####"}]}',
    "coco images": '{"images": [3], "annotations": []}',
    "coco ids": '{"images": [{"file_name": "a1.png", "id": []}], "annotations": []}',
    "coco twice": '{"images": [{"file_name": "a1.png", "id": 1}, {"file_name": "b", "id": 1}], "annotations": []}',
    "coco lost": '{"images": [{"file_name": "a1.png", "id": 1}], "annotations": [{"image_id": 2}]}',
    "coco text": '{"images": [{"file_name": "a1.png", "id": 1}], "annotations": [{"image_id": 1, "segmentation": "x"}]}',
    "coco odd": '{"images": [{"file_name": "a1.png", "id": 1}], "annotations": [{"image_id": 1, "segmentation": [[1, 2, 3]]}]}',
    "via": '{"a": {"filename": "a1.png", "regions": [{"shape_attributes": {"name": "rect", "x": "a"}}]}}',
    "via points": '{"a": {"filename": "a1.png", "regions": [{"shape_attributes": {"name": "polygon", "all_points_x": [1]}}]}}',
    "geojson": '{"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon", "coordinates": [[1]]}}]}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_damaged_file_is_one_sentence(kind, tmp_path):
    file = tmp_path / "a1.json"
    file.write_text(HOSTILE[kind])
    with pytest.raises(UserError) as caught:
        read_outlines(file)
    (problem,) = caught.value.problems
    assert str(file) in problem
    assert len(problem) < 1000 and "\n" not in problem


@pytest.mark.parametrize(
    "stored",
    [
        {"size": [4, 5]},
        {"size": [4, 5], "counts": [1, 2]},
        {"size": [4, 5], "counts": "zz~~"},
        {"size": [10**9, 10**9], "counts": []},
        {"size": [4, 5], "counts": [-1, 21]},
        {"size": "4", "counts": [20]},
        {"size": [4, 5], "counts": "o" * 500},
    ],
)
def test_damaged_run_lengths(stored, tmp_path):
    entry = {"image_id": 1, "segmentation": stored}
    document = {"images": [{"file_name": "a1.png", "id": 1}], "annotations": [entry]}
    file = write(tmp_path / "all.json", document)
    with pytest.raises(UserError, match=r"annotation 1 has run lengths"):
        read_outlines(file)


def test_run_lengths_of_another_size(tmp_path):
    draw_images(tmp_path)
    document = coco({f"{name}.png": labels[:40] for name, labels in MASKS.items()}, "lengths")
    for image in document["images"]:
        del image["width"], image["height"]
    write(tmp_path / "all.json", document)
    assert "has run lengths of 64x40 pixels, and its image has 64x48" in survey(tmp_path).problems[0]


def test_a_file_that_changes_is_read_again(tmp_path):
    file = write(tmp_path / "a.json", labelme(MASKS["a1"], "a.png"))
    assert len(read_outlines(file).single.outlines) == 6
    document = json.loads(file.read_text())
    document["shapes"] = document["shapes"][:1]
    write(file, document)
    assert len(read_outlines(file).single.outlines) == 1
