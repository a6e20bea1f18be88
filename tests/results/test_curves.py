"""The curves of a run, and what happens without matplotlib."""

import csv
import sys

import numpy as np
import pytest
from PIL import Image

from minunet.results.curves import plot_curves
from minunet.results.matplotlib_figure import MatplotlibMissing

HISTORY = [
    {
        "epoch": epoch,
        "lr": 1e-3 / epoch,
        "train_loss": 0.7 / epoch,
        "train_dice": 1 - 0.5 / epoch,
        "val_loss": 0.8 / epoch,
        "val_dice": 1 - 0.6 / epoch,
        "val_iou": 1 - 0.7 / epoch,
    }
    for epoch in range(1, 9)
]


def test_without_matplotlib_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MatplotlibMissing, match=r"pip install 'minunet\[plots\]'"):
        plot_curves(HISTORY, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())


def test_a_history_without_epochs(tmp_path):
    with pytest.raises(ValueError, match="no curves"):
        plot_curves([], tmp_path / "curves.png")


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def near(pixels, colour):
    return np.count_nonzero(np.abs(pixels - np.array(colour)).sum(axis=-1) < 30)


TRAIN, VALIDATION, RATE = (0x1F, 0x5F, 0xA8), (0xD1, 0x49, 0x5B), (0x3C, 0x7D, 0x3C)


def test_all_curves_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    path = plot_curves(HISTORY, tmp_path / "curves.png", title="a run")
    pixels = read(path)
    assert all(near(pixels, colour) > 200 for colour in (TRAIN, VALIDATION, RATE))


def test_a_history_read_from_a_file_draws_the_same_picture(tmp_path):
    pytest.importorskip("matplotlib")
    with open(tmp_path / "history.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, HISTORY[0])
        table.writeheader()
        table.writerows(HISTORY)
    with open(tmp_path / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    one, other = plot_curves(HISTORY, tmp_path / "one.png"), plot_curves(rows, tmp_path / "other.png")
    assert np.array_equal(read(one), read(other))


def test_what_is_missing_is_left_out(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [{"epoch": 1, "train_loss": 0.5, "val_loss": ""}, {"epoch": 2, "train_loss": 0.4, "val_loss": None}]
    pixels = read(plot_curves(rows, tmp_path / "few.png"))
    assert near(pixels, TRAIN) > 50 and near(pixels, VALIDATION) == 0 and near(pixels, RATE) == 0


def test_one_epoch_and_losses_of_zero_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    row = {"epoch": 1, "lr": 0.0, "train_loss": 0.0, "val_loss": float("nan"), "val_dice": 1.0}
    pixels = read(plot_curves([row], tmp_path / "one.png"))
    assert near(pixels, TRAIN) > 10 and near(pixels, VALIDATION) > 10
