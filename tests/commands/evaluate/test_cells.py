"""The cells in an evaluation: their scores on the screen and in the files, where they come from, and what is said without them."""

import csv
import sys

import numpy as np
from PIL import Image

from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.evaluate.small_evaluations import SIZE, flat, numbers, run


def save_choice(choice):
    """Store a choice of cells in the model of the working folder."""
    model = load_model("run")
    write_model("run/model.safetensors", model.model, model.preprocessing, cell_choice=choice)


def test_cells_are_scored_at_the_size_of_the_images(root, capsys):
    save_choice(CellChoice(CellSettings(threshold=0.4), CountInterval(0.2, 9)))
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    printed = flat(capsys.readouterr().out)
    found = numbers()
    cells = found["cells"]
    assert cells["true_cells"] == 6
    assert cells["cell_f1"] > 0.9  # six discs, which the model knows
    assert cells["settings"]["threshold"] == 0.4
    assert not cells["settings_are_defaults"]
    assert cells["masks_with_numbers"] == 0
    assert cells["counts_in_their_interval"] == 6
    assert "6 predicted, 6 true" in printed
    assert "the true cells are the connected regions of the masks" in printed
    assert "holds the true count of 6 of 6 images" in printed
    with open("out/per_image.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["true_cells"] for row in rows} == {"1"}
    assert all(0.5 < float(row["native_dice"]) <= 1 for row in rows)
    dice = [image["native_dice"] for image in found["images"]]
    assert min(dice) <= found["native_pixels"]["dice"] <= max(dice)


def test_native_pixels_are_those_of_the_flag_native(root):
    assert run("run", root / "data", "--side", "all", "--out", "small") == 0
    assert run("run", root / "data", "--side", "all", "--out", "native", "--native") == 0
    assert numbers("small")["native_pixels"] == numbers("native")["all_pixels"]
    assert numbers("small")["cells"] == numbers("native")["cells"]
    assert numbers("small")["cells"]["settings_are_defaults"]
    assert numbers("small")["cells"]["counts_in_their_interval"] is None


def test_a_mask_that_joins_two_cells_makes_one_of_them(root, tmp_path):
    """Two discs that touch: one cell, unless the mask numbers them."""
    rows, columns = np.indices((24, 32))
    left, right = ((rows - 12) ** 2 + (columns - x) ** 2 < 36 for x in (9, 20))
    for kind, pixels in (
        ("images", np.where(left | right, 200, 50)),
        ("masks", np.where(left | right, 255, 0)),
    ):
        folder = tmp_path / "pair" / kind
        folder.mkdir(parents=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "pair.png")
    assert run("run", tmp_path / "pair", "--out", "out") == 0
    assert numbers()["cells"]["true_cells"] == 1


def test_numbers_in_the_masks_are_used_where_the_model_reads_them(root, tmp_path):
    from minunet.data.reading.mask_reading import MaskReading

    rows, columns = np.indices((24, 32))
    mask = np.zeros((24, 32), np.uint8)
    for number, x in ((3, 9), (7, 21)):
        mask[(rows - 12) ** 2 + (columns - x) ** 2 < 36] = number
    for kind, pixels in (("images", np.where(mask, 200, 50).astype(np.uint8)), ("masks", mask)):
        folder = tmp_path / "pair" / kind
        folder.mkdir(parents=True)
        Image.fromarray(pixels).save(folder / "pair.png")
    model = load_model("run")
    preprocessing = Preprocessing(size=SIZE, reading=MaskReading("numbered cells"))
    write_model("run/model.safetensors", model.model, preprocessing)
    assert run("run", tmp_path / "pair", "--out", "out") == 0
    assert numbers()["cells"]["true_cells"] == 2
    assert numbers()["cells"]["masks_with_numbers"] == 1


def test_without_the_packages_pixels_are_scored_and_a_line_says_how_to_get_cells(root, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert run("run", root / "data", "--side", "all", "--out", "out") == 0
    assert "pip install 'minunet[cells]'" in capsys.readouterr().out
    assert numbers()["cells"] is None
    assert numbers()["all_pixels"]["dice"] > 0.5
