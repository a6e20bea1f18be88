"""The tables of cells and of images that `python -m minunet.predict` writes, and what it says of them."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.cells.cell_measures import CELL_COLUMNS, MICROMETRE_COLUMNS
from minunet.cells.image_summary import IMAGE_COLUMNS
from minunet.checkpoints.model_file import load_model
from tests.cells.drawn_cells import disc
from tests.commands.predict.cell_folders import draw, flat, rows
from tests.commands.predict.prediction_folders import pixels, run, written


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


@pytest.mark.parametrize("table", ["cells.csv", "images.csv"])
def test_a_table_of_another_program_is_refused(cell_model, folder, tmp_path, capsys, table):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / table).write_text("image,instance,kind\nsmear,1,red\n")
    for flags in ([], ["--overwrite"], ["--skip-existing"]):
        assert run(cell_model, folder, "--out", "out", *flags) == 2
        assert f"out/{table}: is there already, and is no table that predict wrote" in flat(capsys.readouterr().err)
    assert written(tmp_path / "out") == []


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
    monkeypatch.setattr("minunet.inference.tile_size.BUDGET", 64 * 64 * 64)
    monkeypatch.setattr("minunet.inference.tiled_logits.tiling", lambda config, width: (96, 16, 2))
    assert model.is_tiled(200, 260)
    tiled = model.cells(path)
    assert len(whole.table) == len(tiled.table) == len(places)
    assert (whole.labels == tiled.labels).all()
