"""Drawn smears, whose cells are known exactly: found in their own masks, measured by their own numbers."""

import csv

import numpy as np
from PIL import Image

from minunet.cells.cell_measures import measure_cells
from minunet.cells.cell_scores import CellScores
from minunet.cells.watershed import find_cells
from minunet.data.synthetic import write_set


def test_cells_of_drawn_smears(tmp_path):
    names = write_set(tmp_path, 4, (160, 128), seed=5)
    with open(tmp_path / "cells.csv", newline="") as file:
        pixels = {(row["image"], int(row["instance"])): int(row["pixels"]) for row in csv.DictReader(file)}
    scores = CellScores()
    for name in names:
        with Image.open(tmp_path / "instances" / f"{name}.png") as image:
            truth = np.asarray(image).astype(np.int32)
        areas = {(name, row["id"]): row["area_px2"] for row in measure_cells(truth)}
        assert areas == {key: count for key, count in pixels.items() if key[0] == name}
        scores.update(truth, find_cells(np.where(truth > 0, 0.95, 0.05)), name)
    result = scores.result()
    assert result["true_cells"] == len(pixels)
    assert result["cell_f1"] > 0.8  # some overlap so far that no outline shows it
    assert result["count_error"] < 0.25
