"""`python -m minunet.compare`: folders of labels and of masks, what is written, and every way the input can be wrong."""

import csv
import json
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.cells.agreement import Agreement
from minunet.compare import main
from tests.cells.drawn_cells import disc

SHAPE = (48, 64)


def run(*arguments):
    return main([str(argument) for argument in arguments])


def labels(*discs):
    result = np.zeros(SHAPE, np.uint16)
    for number, place in enumerate(discs, start=1):
        result[disc(SHAPE, *place)] = 3 * number
    return result


TWO = labels((20, 18, 8), (24, 44, 8))
ONE = labels((20, 18, 8))


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """a/ with masks of 0 and 255, b/ with labels as predict writes them: one image is the same, in the other a cell is missing."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / name).mkdir()
    for name, truth, other in (("x", TWO, TWO), ("y", TWO, ONE)):
        Image.fromarray((truth > 0).astype(np.uint8) * 255).save(tmp_path / "a" / f"{name}_mask.png")
        tifffile.imwrite(tmp_path / "b" / f"{name}_labels.tif", other)
        Image.fromarray((other > 0).astype(np.uint8) * 255).save(tmp_path / "b" / f"{name}_overlay.png")
    return tmp_path


def test_scores_and_agreement(folders, capsys):
    assert run("a", "b", "--out", "out") == 0
    document = json.loads((folders / "out" / "comparison.json").read_text())
    assert document["images"] == 2
    assert document["scores"]["cell_f1"] == pytest.approx(6 / 7)
    assert document["scores"]["true_cells"] == 4
    assert document["counts"]["bias"] == -0.5
    assert document["counts"]["limits_of_agreement"] == pytest.approx([-0.5 - 1.96 * 0.5**0.5, -0.5 + 1.96 * 0.5**0.5])
    with open("out/per_image.csv", newline="") as file:
        assert [(row["image"], row["predicted_cells"]) for row in csv.DictReader(file)] == [("x", "2"), ("y", "1")]
    with Image.open("out/bland_altman.png") as plot:
        assert plot.width > 400
    printed = capsys.readouterr().out
    assert "counts, B - A         -0.50 cells on average" in printed
    assert "F1 at IoU 0.5         0.8571" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_the_other_way_round(folders):
    assert run("b", "a", "--out", "out") == 0
    document = json.loads((folders / "out" / "comparison.json").read_text())
    assert document["counts"]["bias"] == 0.5
    assert document["scores"]["count_bias"] == pytest.approx(0.5)


def test_labels_of_another_program_are_read_by_their_numbers(folders):
    touching = np.zeros(SHAPE, np.uint8)
    touching[10:30, 10:20], touching[10:30, 20:30], touching[10:30, 40:50] = 1, 2, 3
    for name in ("fiji", "own"):
        (folders / name).mkdir()
        for image in "pq":
            Image.fromarray(touching).save(folders / name / f"{image}.png")
    assert run("fiji", "own", "--out", "out") == 0
    assert json.loads((folders / "out" / "comparison.json").read_text())["scores"]["true_cells"] == 6


def test_names_that_only_one_folder_has_are_said(folders, capsys):
    (folders / "b" / "y_labels.tif").rename(folders / "b" / "z_labels.tif")
    assert run("a", "b") == 0
    printed = capsys.readouterr().out
    assert "only in A: y" in printed and "only in B: z" in printed


def write_classes(folder, classes):
    """A table as predict writes it, of (image, number, class)."""
    with open(folder / "cells.csv", "w", newline="") as file:
        csv.writer(file).writerows([("image", "id", "class"), *classes])


def test_classes_of_cells_are_compared_where_both_folders_name_them(folders, capsys):
    (folders / "c").mkdir()
    for name in "xy":
        tifffile.imwrite(folders / "c" / f"{name}_labels.tif", TWO)
    write_classes(folders / "c", [("x", 3, "red"), ("x", 6, "white"), ("y", 3, "red"), ("y", 6, "red")])
    write_classes(folders / "b", [("x", 3, "red"), ("x", 6, "red"), ("y", 3, "red")])
    assert run("c", "b", "--out", "out") == 0
    classes = json.loads((folders / "out" / "comparison.json").read_text())["classes"]
    assert classes == {
        "red": {
            "true_cells": 3,
            "predicted_cells": 3,
            "cell_f1": pytest.approx(2 / 3),
            "count_error": pytest.approx(2 / 3),
        },
        "white": {"true_cells": 1, "predicted_cells": 0, "cell_f1": 0, "count_error": 1},
    }
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["red", "3", "3", "66.7", "%", "0.6667"] in printed
    (folders / "b" / "cells.csv").unlink()
    assert run("c", "b") == 0
    assert "c has classes of cells, and b has none" in " ".join(capsys.readouterr().out.split())
    (folders / "b" / "cells.csv").write_text("image,id,class\nx,three,red\n")
    assert run("c", "b") == 2
    assert "b/cells.csv: is damaged" in " ".join(capsys.readouterr().err.split())


def write_class_masks(folder):
    """x: a red cell with one of two places as white as in TWO; y: the other way round; white cells have a nucleus inside."""
    folder.mkdir()
    for name, values in (("x", (1, 2)), ("y", (2, 1))):
        mask = np.zeros(SHAPE, np.uint8)
        for value, (row, column) in zip(values, ((20, 18), (24, 44)), strict=True):
            mask[disc(SHAPE, row, column, 8)] = value
            if value == 2:
                mask[disc(SHAPE, row, column, 4)] = 3
        Image.fromarray(mask).save(folder / f"{name}.png")


def test_masks_of_classes_are_compared_with_predictions_class_by_class(folders, capsys):
    write_class_masks(folders / "hand")
    write_classes(folders / "b", [("x", 3, "red"), ("x", 6, "white"), ("y", 3, "red")])
    (folders / "b" / "images.csv").write_text("image,cells,count_red,count_white\nx,2,1,1\ny,1,1,0\n")
    assert run("hand", "b", "--classes", "background,red,white,nucleus", "--out", "out") == 0
    document = json.loads((folders / "out" / "comparison.json").read_text())
    assert document["scores"]["true_cells"] == 4  # the nucleus is no cell of its own
    classes = {
        name: (row["true_cells"], row["predicted_cells"], row["cell_f1"]) for name, row in document["classes"].items()
    }
    assert classes == {"red": (2, 2, 0.5), "white": (2, 1, pytest.approx(2 / 3))}
    assert run("hand", "hand", "--classes", "background=0,red=1,white=2,nucleus=3") == 0
    printed = capsys.readouterr().out
    assert "b has no NAME_classes.png for every image that names its classes" in flat(printed)
    lines = [line.split() for line in printed.splitlines()]
    assert ["white", "1.0000", "1.0000", "2", "2", "0.0", "%", "1.0000"] in lines


def test_the_pixels_of_each_class_are_compared(folders, capsys):
    write_class_masks(folders / "hand")
    write_class_masks(folders / "other")
    mask = np.zeros(SHAPE, np.uint8)
    mask[disc(SHAPE, 20, 18, 8)] = 1  # x without its white cell, in other numbers, and a row that counts nowhere
    mask[disc(SHAPE, 40, 10, 3)] = 7
    Image.fromarray(mask).save(folders / "other" / "x.png")
    flags = ("--classes", "ground=0,red=1,white=2,nucleus=3", "--ignore", "7")
    assert run("hand", "other", *flags, "--out", "out") == 0
    document = json.loads((folders / "out" / "comparison.json").read_text())
    white, inner = (np.count_nonzero(disc(SHAPE, 24, 44, radius)) for radius in (8, 4))
    assert [*document["classes"]] == ["ground", "red", "white", "nucleus"]
    nucleus = document["classes"]["nucleus"]
    assert nucleus["true_pixels"] == 2 * inner and nucleus["predicted_pixels"] == inner
    assert nucleus["dice"] == pytest.approx(2 / 3) and nucleus["true_cells"] is None
    assert document["classes"]["white"]["true_pixels"] == 2 * (white - inner)
    assert document["classes"]["white"]["cell_f1"] == pytest.approx(2 / 3)
    ground = document["classes"]["ground"]
    assert ground["true_pixels"] == 2 * mask.size - 4 * white - np.count_nonzero(mask == 7)
    assert document["mean_class_dice"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    printed = capsys.readouterr().out
    assert "nucleus (in white)  0.6667  0.5000\n" in printed and "mean                0.7778" in printed


def test_classes_that_cannot_be_compared(folders, capsys):
    write_class_masks(folders / "hand")
    write_classes(folders / "b", [("x", 3, "red"), ("x", 6, "white"), ("y", 3, "red")])
    assert run("hand", "b", "--classes", "background,red,wbc,nucleus") == 2
    assert "in hand have the classes red and wbc, and those of b red and white: give the same" in flat(
        capsys.readouterr().err
    )
    assert run("b", "b", "--classes", "auto", "--invert-masks") == 2
    assert "--classes and --invert-masks: b and b hold the labels of predict" in flat(capsys.readouterr().err)
    assert run("hand", "b") == 0
    assert "where its masks show classes, --classes says which value is which" in flat(capsys.readouterr().out)
    (folders / "c").mkdir()
    for name in "xy":
        tifffile.imwrite(folders / "c" / f"{name}_labels.tif", TWO)
    write_classes(folders / "c", [("x", 3, "rbc"), ("x", 6, "platelet")])
    assert run("c", "b") == 0
    assert "c has the classes platelet and rbc, and b red and white: classes are not compared" in flat(
        capsys.readouterr().out
    )


def test_the_flags_say_how_masks_are_read(folders):
    write_class_masks(folders / "hand")
    assert run("hand", "b", "--cell", "1", "--ignore", "2,3", "--out", "out") == 0
    assert json.loads((folders / "out" / "comparison.json").read_text())["scores"]["true_cells"] == 2


def flat(text):
    """A text that was broken into lines, in one line."""
    return " ".join(text.split())


def test_images_that_are_not_there_are_named(folders, capsys):
    (folders / "images").mkdir()
    Image.new("RGB", SHAPE[::-1]).save(folders / "images" / "x.jpg")
    assert run("a", "b", "--images", "images") == 0
    assert "images: holds no image of the name y" in " ".join(capsys.readouterr().out.split())
    assert run("a", "b", "--images", "nowhere") == 2
    assert "--images: nowhere does not exist" in " ".join(capsys.readouterr().err.split())


def test_images_in_the_place_of_masks_are_refused(folders, capsys):
    rng = np.random.default_rng(0)
    (folders / "photos").mkdir()
    tones = np.clip(rng.normal(150, 40, (*SHAPE, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(tones).save(folders / "photos" / "x.png")
    assert run("photos", "b") == 2
    printed = flat(capsys.readouterr().err)
    assert "photos/x.png looks like an image, not a mask (" in printed
    assert printed.endswith(
        "give the folder of the masks; colours of masks must be exact, neither compressed as JPEG nor resized."
    )


def test_what_is_wrong_is_said(folders, capsys):
    (folders / "empty").mkdir()
    assert run("empty", "missing") == 2
    errors = capsys.readouterr().err
    assert "empty: holds no labels or masks" in errors and "missing does not exist" in errors
    (folders / "c").mkdir()
    tifffile.imwrite(folders / "c" / "other_labels.tif", TWO)
    assert run("a", "c") == 2
    assert "share no name (x and y; other)" in capsys.readouterr().err
    tifffile.imwrite(folders / "b" / "x_labels.tif", TWO[:-1])
    assert run("a", "b") == 2
    assert "x: 64x48 pixels in a, and 64x47 in b" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "cells", "words"), [(0, 0, "no cell, since every pixel is 0"), (255, 2, "one cell that fills")]
)
def test_images_without_a_cell_and_cells_that_fill_them_are_no_mistake(folders, capsys, value, cells, words):
    (folders / "same").mkdir()
    for name in "xy":
        Image.fromarray(np.full(SHAPE, value, np.uint8)).save(folders / "same" / f"{name}.png")
    assert run("same", "b", "--out", "out") == 0
    assert f"same: 2 masks with {words}" in " ".join(capsys.readouterr().out.split())
    scores = json.loads((folders / "out" / "comparison.json").read_text())["scores"]
    assert (scores["true_cells"], scores["predicted_cells"], scores["cell_f1"]) == (cells, 3, 0)
    assert run("same", "same") == 0
    assert f"{cells} predicted, {cells} true" in capsys.readouterr().out


def test_files_that_exist_and_folders_of_data(folders, capsys):
    assert run("a", "b", "--out", "a") == 2
    assert "would mix" in capsys.readouterr().err
    assert run("a", "b", "--out", "out") == 0
    assert run("a", "b", "--out", "out") == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert run("a", "b", "--out", "out", "--overwrite") == 0


def test_without_packages(folders, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert run("a", "b") == 2
    assert "pip install 'minunet[cells]'" in capsys.readouterr().err


def test_without_matplotlib_the_numbers_are_written(folders, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run("a", "b", "--out", "out") == 0
    assert "need matplotlib" in capsys.readouterr().out
    assert (folders / "out" / "comparison.json").is_file()
    assert not (folders / "out" / "bland_altman.png").exists()


def test_one_image_has_no_limits():
    assert Agreement.of([3], [5]).limits is None
    assert Agreement.of([3], [5]).bias == 2
