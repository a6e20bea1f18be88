"""`python -m minunet.predict` on whole slides and OME-Zarr folders: which are found, and which level is predicted."""

import json
import sys

import numpy as np
import pytest

from minunet.data.reading.image_files import decode
from tests.cells.drawn_cells import disc
from tests.commands.predict.cell_folders import rows
from tests.commands.predict.prediction_folders import pixels, run
from tests.data.reading.stored_pyramids import write_ome_zarr, write_tiled


def discs():
    """An image of three bright discs, two of which touch."""
    shape = (128, 192)
    cell = sum(disc(shape, *place) for place in ((64, 40, 20), (64, 76, 20), (60, 150, 18))) > 0
    return np.where(cell, 230, 30).astype(np.uint8)


@pytest.fixture
def slides(tmp_path, monkeypatch):
    """A working folder with slides/a.ome.zarr and slides/b.tif."""
    pytest.importorskip("zarr")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slides").mkdir()
    write_ome_zarr(tmp_path / "slides/a.ome.zarr", discs(), "yx")
    write_tiled(tmp_path / "slides/b.tif", discs(), levels=2)
    return tmp_path / "slides"


def test_folders_of_slides_and_single_ones(cell_model, slides, capsys):
    assert run(cell_model, slides, "--out", "out", "--no-report") == 0
    assert [(row["image"], row["cells"], row["pixel_size_um"]) for row in rows("out/images.csv")] == [
        ("a", "3", "0.25"),
        ("b", "3", ""),
    ]
    np.testing.assert_array_equal(pixels("out/a_labels.tif"), pixels("out/b_labels.tif"))
    assert "a: level 0 of 0 to 1, 192x128 pixels, 0.25 um a pixel" in " ".join(capsys.readouterr().out.split())
    assert run(cell_model, slides / "a.ome.zarr", "--out", "one", "--no-report") == 0
    np.testing.assert_array_equal(pixels("one/a_mask.png"), pixels("out/a_mask.png"))


def test_a_smaller_level(cell_model, slides, capsys):
    assert run(cell_model, slides / "a.ome.zarr", "--out", "out", "--level", 1, "--no-report", "--json") == 0
    assert [image["level"] for image in json.loads(capsys.readouterr().out)["images"]] == [1]
    (row,) = rows("out/images.csv")
    assert (row["width_px"], row["height_px"], row["cells"], row["pixel_size_um"]) == ("96", "64", "3", "0.5")
    assert pixels("out/a_mask.png").shape == (64, 96)


def test_levels_that_are_not_there(cell_model, slides, folder, capsys):
    assert run(cell_model, slides / "b.tif", folder / "one.png", "--out", "out", "--level", 2) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "b.tif has no level 2: it has 0 (192x128), 1 (96x64)" in said
    assert "one.png has no level 2: it is stored at one size" in said
    assert run(cell_model, slides, "--out", "out", "--level", "auto") == 2
    assert "--level auto: the model does not know how large its cells are" in " ".join(capsys.readouterr().err.split())


def test_nothing_is_written_into_or_beside_a_zarr(cell_model, slides, capsys):
    before = sorted(slides.rglob("*"))
    assert run(cell_model, slides / "a.ome.zarr", "--out", slides / "a.ome.zarr/out") == 2
    assert "lies in the image" in " ".join(capsys.readouterr().err.split())
    assert run(cell_model, slides / "a.ome.zarr", "--out", slides) == 2
    assert sorted(slides.rglob("*")) == before


def test_a_damaged_one_does_not_stop_the_others(cell_model, slides, capsys):
    (slides / "a.ome.zarr/0/0/0").write_bytes(b"")
    assert run(cell_model, slides, "--out", "out", "--no-report") == 1
    assert "a.ome.zarr is damaged" in " ".join(capsys.readouterr().err.split())
    assert [row["image"] for row in rows("out/images.csv")] == ["b"]


def test_labels_as_ome_zarr(cell_model, slides, monkeypatch, capsys):
    arguments = (cell_model, slides / "a.ome.zarr", "--out", "out", "--export", "zarr", "--no-report")
    assert run(*arguments) == 0
    np.testing.assert_array_equal(decode("out/a_cells.ome.zarr/labels/cells"), pixels("out/a_labels.tif"))
    np.testing.assert_array_equal(decode("out/a_cells.ome.zarr"), discs())
    assert run(*arguments) == 2
    assert run(*arguments, "--overwrite") == 0
    assert run(cell_model, ".", "--out", "again", "--no-report") == 0  # what was written is no image
    assert [row["image"] for row in rows("again/images.csv")] == ["slides/a", "slides/b"]
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert run(*arguments, "--overwrite") == 2
    assert "--export zarr: an OME-Zarr needs zarr, which is not installed" in " ".join(capsys.readouterr().err.split())
