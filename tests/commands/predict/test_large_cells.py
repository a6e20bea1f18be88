"""Cells of images that are too large for memory: the same tables and files as for any other image."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from minunet.cells import row_bands
from minunet.cells.labels_tiff import TILE
from minunet.files import disk_array
from minunet.runs import image_cells
from tests.commands.class_smears import save_class_model, write_smears
from tests.commands.predict.cell_folders import rows
from tests.commands.predict.prediction_folders import pixels, run

EXPORTS = ("roi", "geojson", "coco", "ome", "zarr")


@pytest.fixture
def every_image_is_large(monkeypatch):
    monkeypatch.setattr(image_cells, "SMALL_ENOUGH", 0)
    monkeypatch.setattr(row_bands, "BAND_PIXELS", 96 * 7)
    monkeypatch.setattr(disk_array, "MAPPED", 1000)


@pytest.mark.parametrize("classes", [False, True])
def test_the_same_files(cell_model, folder, tmp_path, request, classes):
    pytest.importorskip("zarr")
    if classes:
        cell_model = save_class_model(tmp_path / "classes.safetensors")
        write_smears(tmp_path / "smears", count=1)
        folder = tmp_path / "smears" / "images"
    arguments = (cell_model, folder, "--pixel-size", 0.1, "--export", *EXPORTS, "--no-report")
    assert run(*arguments, "--out", "whole") == 0
    request.getfixturevalue("every_image_is_large")
    assert run(*arguments, "--out", "large") == 0
    names = sorted(path.name for path in Path("whole").iterdir())
    assert sorted(path.name for path in Path("large").iterdir()) == names
    for name in names:
        if name.endswith(".zarr"):
            files = [path.relative_to("whole") for path in (Path("whole") / name).rglob("*") if path.is_file()]
            assert len(files) > 10
            for file in files:
                assert (Path("large") / file).read_bytes() == (Path("whole") / file).read_bytes()
        elif name.endswith(".tif"):
            stored = tifffile.imread(Path("large") / name)
            np.testing.assert_array_equal(stored, tifffile.imread(Path("whole") / name))
            assert stored.dtype == np.uint16
        elif name.endswith(".png"):
            np.testing.assert_array_equal(pixels(Path("large") / name), pixels(Path("whole") / name))
        elif not name.endswith(".zip"):
            assert (Path("large") / name).read_bytes() == (Path("whole") / name).read_bytes()
    assert sum(int(row["cells"]) for row in rows("large/images.csv")) > 3
    with tifffile.TiffFile(next(Path("large").glob("*_labels.ome.tif"))) as file:
        assert file.is_ome
        assert file.pages.first.tile == (TILE, TILE)


@pytest.mark.usefixtures("every_image_is_large")
def test_too_little_space(cell_model, folder, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.large_cell_results.free_space", lambda folder: 1000)
    assert run(cell_model, folder / "one.png", "--out", "out", "--no-report", "--json") == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert "0.0 GB are free; only its mask is written" in note
    assert not Path("out/one_labels.tif").exists()


@pytest.mark.usefixtures("every_image_is_large")
def test_a_full_disk(cell_model, folder, monkeypatch, capsys):
    def full(self, rows):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk_array.DiskArray, "append", full)
    assert run(cell_model, folder / "one.png", "--out", "out", "--no-report") == 1
    assert "out: cannot be written (No space left on device)" in " ".join(capsys.readouterr().err.split())
    assert not list(Path("out").rglob("one*"))


@pytest.mark.ci
@pytest.mark.usefixtures("every_image_is_large")
def test_results_are_kept_when_others_follow(cell_model, folder):
    assert run(cell_model, folder / "one.png", "--out", "out", "--no-report") == 0
    assert run(cell_model, folder, "--out", "out", "--skip-existing", "--no-report") == 0
    assert [(row["image"], row["cells"]) for row in rows("out/images.csv")] == [
        ("none", "0"),
        ("one", "1"),
        ("three", "3"),
    ]
