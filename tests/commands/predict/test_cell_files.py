"""The labels and pictures of cells that `python -m minunet.predict` writes, and the files for other programs."""

import json
import sys
from pathlib import Path

import pytest
import tifffile

from tests.commands.predict.cell_folders import rows
from tests.commands.predict.prediction_folders import pictures, pixels, run, written


def test_the_numbers_are_drawn_and_the_image_stays_legible(cell_model, folder):
    assert run(cell_model, folder / "three.png", "--out", "out") == 0
    picture = pixels("out/three_cells.png")
    assert picture.shape == (64, 96, 3)
    image = pixels(folder / "three.png")
    changed = (picture != image[..., None]).any(axis=2)
    assert not changed[:, 55:60].any()  # background stays as it is
    assert (picture[changed] == (0, 205, 90)).all(axis=1).any()
    assert (picture[changed] > 190).all(axis=1).any()


def test_files_for_other_programs(cell_model, folder):
    import roifile

    assert run(cell_model, folder, "--out", "out", "--export", "roi", "geojson", "coco", "ome") == 0
    assert len(roifile.roiread("out/three_rois.zip")) == 3
    assert len(json.loads(Path("out/three_cells.geojson").read_text())["features"]) == 3
    assert len(json.loads(Path("out/three_coco.json").read_text())["annotations"]) == 3
    assert (tifffile.imread("out/three_labels.ome.tif") == tifffile.imread("out/three_labels.tif")).all()
    assert json.loads(Path("out/none_coco.json").read_text())["annotations"] == []


def test_another_export_is_refused(cell_model, folder, capsys):
    assert run(cell_model, folder, "--out", "out", "--export", "roi", "excel") == 2
    assert "choose one of roi, geojson, coco, ome" in capsys.readouterr().err


def test_results_are_not_taken_for_images(cell_model, folder):
    assert run(cell_model, folder, "--out", "cells/out", "--export", "ome") == 0
    assert run(cell_model, folder, "--out", "again") == 0
    assert [row["image"] for row in rows("again/images.csv")] == ["none", "one", "three"]


def test_labels_that_exist_are_not_overwritten(cell_model, folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one_labels.tif").write_bytes(b"mine")
    assert run(cell_model, folder, "--out", "out") == 2
    assert "results of one are there already" in capsys.readouterr().err
    assert (tmp_path / "out" / "one_labels.tif").read_bytes() == b"mine"


def test_without_the_packages_masks_are_written_and_a_line_says_how_to_get_cells(
    cell_model, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert run(cell_model, folder / "one.png", "--out", "out") == 0
    assert "pip install 'minunet[cells]'" in capsys.readouterr().out
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["one_mask.png", "one_overlay.png", "one_probability.png", "one_product.png"]
    assert run(cell_model, folder, "--out", "other", "--export", "coco") == 2
    assert "--export coco: scikit-image is not installed" in capsys.readouterr().err


def test_roifile_is_needed_for_regions_only(cell_model, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "roifile", None)
    assert run(cell_model, folder, "--out", "out", "--export", "coco") == 0
    assert run(cell_model, folder, "--out", "other", "--export", "roi") == 2
    assert "roifile is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["_labels.tif", "_cells.png", "_coco.json", "_product.png"])
def test_a_file_that_cannot_be_written_leaves_none_of_the_image(cell_model, folder, tmp_path, capsys, ending):
    (tmp_path / "out" / f"one{ending}").mkdir(parents=True)
    assert run(cell_model, folder, "--out", "out", "--overwrite", "--export", "coco") == 1
    assert f"one{ending}" in capsys.readouterr().err
    assert written(tmp_path / "out") == sorted([*pictures("none", "three"), "none_coco.json", "three_coco.json"])
    assert [row["image"] for row in rows("out/images.csv")] == ["none", "three"]


def test_pictures_are_complete(cell_model, folder, tmp_path):
    assert run(cell_model, folder, "--out", "out") == 0
    assert written(tmp_path / "out") == pictures("none", "one", "three")
