"""The cells that `python -m minunet.predict` writes: tables, labels, pictures and files of other programs."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet import UNet
from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_measures import CELL_COLUMNS, MICROMETRE_COLUMNS
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.cells.image_summary import IMAGE_COLUMNS
from minunet.checkpoints.model_file import load_model, save_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.cells.drawn_cells import disc
from tests.commands.predict.prediction_folders import pictures, pixels, run, written


def bright_is_cell():
    """A network whose logit is 20 (brightness - 1/2): it calls what is bright a cell."""
    network = UNet(base_channels=1, depth=1, variant="classic", rng=np.random.default_rng(0))
    for name, parameter in network.named_parameters():
        parameter.data[...] = 0
        if name.endswith("weight") and parameter.data.ndim == 4:
            middle = parameter.data.shape[0] // 2
            parameter.data[middle, middle, 0, 0] = 1  # hands the brightness on, by way of the skip
    head_weight, head_bias = [parameter for _, parameter in network.named_parameters()][-2:]
    head_weight.data[...] *= 20
    head_bias.data[...] = -10
    return network


@pytest.fixture(scope="session")
def cell_model(tmp_path_factory):
    """A model at native resolution that calls what is bright a cell, with settings and an interval of the count."""
    path = tmp_path_factory.mktemp("cells") / "model.safetensors"
    choice = CellChoice(CellSettings(smoothing=0.02, seed_height=0.05), CountInterval(0.34, 9))
    return save_model(path, bright_is_cell(), Preprocessing(crop=32), cell_choice=choice)


def draw(path, *discs, shape=(64, 96)):
    """An image of bright discs (y, x, radius)."""
    cell = sum((disc(shape, *place) for place in discs), np.zeros(shape, bool)) > 0
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.where(cell, 230, 30).astype(np.uint8)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, resolution=(1e4 / 0.2, 1e4 / 0.2), resolutionunit="CENTIMETER")
    else:
        Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with cells/three.png (two of them touch), cells/one.png and cells/none.png."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "cells" / "three.png", (32, 20, 10), (32, 38, 10), (30, 75, 9))
    draw(tmp_path / "cells" / "one.png", (30, 40, 12))
    draw(tmp_path / "cells" / "none.png")
    return tmp_path / "cells"


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def flat(text):
    return " ".join(text.split())


def test_tables_labels_and_words(cell_model, folder, tmp_path, capsys):
    assert run(cell_model, folder, "--out", "out") == 0
    images = {row["image"]: row for row in rows("out/images.csv")}
    assert {name: row["cells"] for name, row in images.items()} == {"none": "0", "one": "1", "three": "3"}
    assert images["three"]["clumps"] == "1"
    assert (images["three"]["cells_low"], images["three"]["cells_high"]) == ("2", "4")
    assert images["none"]["median_diameter_px"] == ""
    cells = rows("out/cells.csv")
    assert [row["image"] for row in cells] == ["one", "three", "three", "three"]
    assert list(cells[0]) == ["image", *CELL_COLUMNS]
    assert list(rows("out/images.csv")[0]) == [name for name in IMAGE_COLUMNS if not name.endswith(("_um", "_mm2"))]
    labels = tifffile.imread("out/three_labels.tif")
    assert labels.dtype == np.uint16 and labels.shape == (64, 96)
    for row in cells[1:]:
        assert int(row["area_px2"]) == np.count_nonzero(labels == int(row["id"]))
    assert ((labels > 0) == (pixels("out/three_mask.png") > 0)).all()
    assert float(cells[0]["equivalent_diameter_px"]) == pytest.approx(24, rel=0.02)
    assert float(cells[0]["mean_optical_density"]) == pytest.approx(np.log10(30 / 230), rel=1e-4)
    summary = (tmp_path / "out" / "summary.txt").read_text()
    assert summary.startswith("3 images, 4 cells (3 to 5), median diameter ")
    printed = capsys.readouterr().out
    assert flat(summary) in flat(printed)
    assert printed.rstrip().endswith("out/summary.txt")
    assert "out/none_cells.png" in printed


def test_the_numbers_are_drawn_and_the_image_stays_legible(cell_model, folder):
    assert run(cell_model, folder / "three.png", "--out", "out") == 0
    picture = pixels("out/three_cells.png")
    assert picture.shape == (64, 96, 3)
    image = pixels(folder / "three.png")
    changed = (picture != image[..., None]).any(axis=2)
    assert not changed[:, 55:60].any()  # background stays as it is
    assert (picture[changed] == (0, 205, 90)).all(axis=1).any()
    assert (picture[changed] > 190).all(axis=1).any()


def test_micrometres_by_the_flag_and_by_the_file(cell_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in" / "own.tif", (30, 40, 12))
    draw(tmp_path / "in" / "silent.png", (30, 40, 12))
    assert run(cell_model, "in", "--out", "out") == 0
    own, silent = rows("out/cells.csv")
    assert float(own["equivalent_diameter_um"]) == pytest.approx(0.2 * float(own["equivalent_diameter_px"]), rel=1e-5)
    assert {silent[name] for name in MICROMETRE_COLUMNS} == {""}
    assert float(rows("out/images.csv")[0]["density_per_mm2"]) == pytest.approx(1e6 / (64 * 96 * 0.04), rel=1e-5)
    assert " px" in (tmp_path / "out" / "summary.txt").read_text()  # not of all cells in micrometres
    assert run(cell_model, "in", "--out", "flag", "--pixel-size", "0.5") == 0
    assert all(float(row["area_um2"]) == pytest.approx(float(row["area_px2"]) / 4) for row in rows("flag/cells.csv"))
    assert " um" in (tmp_path / "flag" / "summary.txt").read_text()
    with tifffile.TiffFile("flag/silent_labels.tif") as file:
        assert file.pages[0].get_resolution(unit="MICROMETER") == pytest.approx((2, 2))


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "small", ""])
def test_a_pixel_size_that_is_none_is_refused(cell_model, folder, capsys, value):
    assert run(cell_model, folder, "--out", "out", "--pixel-size", value) == 2
    assert "--pixel-size" in capsys.readouterr().err


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


def test_tables_hold_every_image_of_the_folder(cell_model, folder):
    assert run(cell_model, folder / "three.png", "--out", "out") == 0
    assert run(cell_model, folder / "one.png", "--out", "out") == 0
    assert [row["image"] for row in rows("out/images.csv")] == ["one", "three"]
    assert run(cell_model, folder, "--out", "out", "--skip-existing") == 0
    assert [row["image"] for row in rows("out/images.csv")] == ["none", "one", "three"]
    draw(folder / "three.png", (32, 20, 10))
    assert run(cell_model, folder, "--out", "out", "--overwrite") == 0
    assert [row["cells"] for row in rows("out/images.csv")] == ["0", "1", "1"]
    assert len(rows("out/cells.csv")) == 2


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


@pytest.mark.parametrize("table", ["cells.csv", "images.csv"])
def test_a_table_of_another_program_is_refused(cell_model, folder, tmp_path, capsys, table):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / table).write_text("image,instance,kind\nsmear,1,red\n")
    for flags in ([], ["--overwrite"], ["--skip-existing"]):
        assert run(cell_model, folder, "--out", "out", *flags) == 2
        assert f"out/{table}: is there already, and is no table that predict wrote" in flat(capsys.readouterr().err)
    assert written(tmp_path / "out") == []


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


def test_a_model_without_settings_uses_the_defaults_and_says_so(model, smears, capsys):
    assert run(model, smears, "--out", "out") == 0
    assert "the model stores no settings of cells" in flat(capsys.readouterr().out)
    assert rows("out/images.csv")[0]["cells_low"] == ""


def test_the_threshold_moves_cells_and_masks_alike(cell_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels_ = np.where(disc((40, 40), 20, 20, 10), 140, 30).astype(np.uint8)  # a probability of 0.73
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels_).save("in/faint.png")
    assert run(cell_model, "in", "--out", "low") == 0
    assert run(cell_model, "in", "--out", "high", "--threshold", "0.9") == 0
    assert [row["cells"] for row in (*rows("low/images.csv"), *rows("high/images.csv"))] == ["1", "0"]
    assert rows("low/images.csv")[0]["doubtful_cells"] == "1"


@pytest.mark.parametrize("ending", ["_labels.tif", "_cells.png", "_coco.json", "_product.png"])
def test_a_file_that_cannot_be_written_leaves_none_of_the_image(cell_model, folder, tmp_path, capsys, ending):
    (tmp_path / "out" / f"one{ending}").mkdir(parents=True)
    assert run(cell_model, folder, "--out", "out", "--overwrite", "--export", "coco") == 1
    assert f"one{ending}" in capsys.readouterr().err
    assert written(tmp_path / "out") == sorted([*pictures("none", "three"), "none_coco.json", "three_coco.json"])
    assert [row["image"] for row in rows("out/images.csv")] == ["none", "three"]


def test_one_cell_that_fills_the_image(cell_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (40, 30), 230).save("full.png")
    assert run(cell_model, "full.png", "--out", "out") == 0
    (row,) = rows("out/cells.csv")
    assert (row["area_px2"], row["touches_edge"], row["mean_optical_density"]) == ("1200", "1", "")
    assert rows("out/images.csv")[0]["cells_in_frame"] == "0"


def test_python_gives_the_same_cells(cell_model, folder, tmp_path):
    assert run(cell_model, folder, "--out", "out") == 0
    labels, table = load_model(cell_model).cells(folder / "three.png")
    assert (labels == tifffile.imread("out/three_labels.tif")).all()
    written_rows = [row for row in rows("out/cells.csv") if row["image"] == "three"]
    for row, other in zip(table, written_rows, strict=True):
        assert float(other["perimeter_px"]) == pytest.approx(row["perimeter_px"], rel=1e-5)
    assert load_model(cell_model).cells(draw(tmp_path / "own.tif", (30, 40, 12))).table[0]["area_um2"] > 0


def test_tiles_and_the_whole_image_give_the_same_cells(cell_model, tmp_path, monkeypatch):
    """Cells are found in the probabilities of the whole image, so that a cell across tiles is one cell."""
    rng = np.random.default_rng(0)
    places = [
        (y + rng.uniform(-2, 2), x + rng.uniform(-2, 2), 11) for y in range(14, 190, 23) for x in range(14, 250, 25)
    ]
    path = draw(tmp_path / "many.png", *places, shape=(200, 260))
    model = load_model(cell_model)
    whole = model.cells(path)
    monkeypatch.setattr("minunet.inference.tiled_logits.BUDGET", 64 * 64 * 64)
    monkeypatch.setattr("minunet.inference.tiled_logits.tiling", lambda config, width: (96, 16, 2))
    assert model.is_tiled(200, 260)
    tiled = model.cells(path)
    assert len(whole.table) == len(tiled.table) == len(places)
    assert (whole.labels == tiled.labels).all()


def test_pictures_are_complete(cell_model, folder, tmp_path):
    assert run(cell_model, folder, "--out", "out") == 0
    assert written(tmp_path / "out") == pictures("none", "one", "three")
