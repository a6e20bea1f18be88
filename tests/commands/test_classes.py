"""Masks of several classes, through every command: trained, resumed, predicted, evaluated, looked at; and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet import compare, doctor, evaluate, predict
from minunet.data.outputs import Outputs
from minunet.runs.callbacks import CheckpointWriter
from tests.commands.class_smears import CLASSES, save_class_model, write_smears
from tests.commands.predict.cell_folders import flat, rows
from tests.commands.train.small_runs import TINY, assert_same_run, problems, train
from tests.data.reading.class_masks import COLOURS, NAMES, class_indices


@pytest.fixture(scope="module")
def smears(tmp_path_factory):
    return write_smears(tmp_path_factory.mktemp("smears"), without=(1, 4))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_class_model(tmp_path_factory.mktemp("model") / "model.safetensors")


@pytest.fixture(autouse=True)
def quick_curves(monkeypatch):
    monkeypatch.setattr("minunet.runs.run_pictures.plot_curves", lambda history, path: path.write_bytes(b"curves"))


def run(command, *arguments):
    return command.main([str(argument) for argument in arguments])


def test_a_training_scores_every_class_and_is_resumed_to_the_bit(smears, tmp_path, capsys, monkeypatch):
    flags = [*TINY, "--augment", "full", "--loss", "bce+dice", "--classes", NAMES, "--target", "pixels"]
    assert train(smears, "--out", tmp_path / "whole", *flags) == 0
    printed = flat(capsys.readouterr().out)
    assert "5 classes: background 0, red 1, white 2, nucleus 3, platelet 4; nucleus lies in white" in printed
    assert "classes Dice red " in printed
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert [*metrics["test_classes"]] == [*CLASSES]
    assert 0 <= metrics["test_classes"]["red"]["dice"] <= 1 and metrics["test_mean_class_dice"] >= 0
    loaded = minunet.load_model(tmp_path / "whole")
    assert loaded.outputs == Outputs(CLASSES) and loaded.legend.outer == (0, 1, 2, 2, 4)
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert config["classes"] == NAMES and config["class_weights"][4] > config["class_weights"][0]

    plain = CheckpointWriter.on_epoch_end

    def cut(self, record):
        plain(self, record)
        raise SystemExit(1)

    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", cut)
    with pytest.raises(SystemExit):
        train(smears, "--out", tmp_path / "cut", *flags)
    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", plain)
    assert train("--resume", tmp_path / "cut") == 0
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_classes_and_a_separation_are_learned_together(smears, tmp_path, capsys):
    flags = [*TINY[:-2], "--classes", NAMES, "--target", "cells", "--augment", "full"]
    assert train(smears, "--out", tmp_path / "run", *flags) == 0
    loaded = minunet.load_model(tmp_path / "run")
    assert loaded.outputs == Outputs(CLASSES, "distance")
    maps = loaded.predict_outputs(smears / "images" / "s0.png")
    assert maps.separation.shape == maps.classes.shape == (48, 48)


def test_training_from_python_with_a_list_of_names(smears, tmp_path):
    trained = minunet.fit(
        smears,
        classes=list(CLASSES),
        size=(16, 16),
        depth=1,
        base_channels=2,
        epochs=1,
        out=tmp_path / "run",
        progress=False,
    )
    assert trained.outputs.classes == CLASSES
    labels, table = trained.cells(smears / "images" / "s0.png")
    assert all(row["class"] in CLASSES for row in table) and labels.shape == (48, 48)


def test_predictions_say_the_class_of_every_pixel_and_cell(smears, model, tmp_path, capsys):
    assert run(predict, model, smears / "images", "--out", tmp_path, "--export", "coco", "geojson") == 0
    printed = flat(capsys.readouterr().out)
    assert "by class: 12 red, 6 white, 4 platelet" in printed and "nucleus to cytoplasm, by area: median 0.3" in printed
    with Image.open(tmp_path / "s0_classes.png") as picture:
        assert picture.mode == "P" and np.array_equal(np.asarray(picture), class_indices(48))
    cells = [row for row in rows(tmp_path / "cells.csv") if row["image"] == "s0"]
    assert sorted(row["class"] for row in cells) == ["platelet", "red", "red", "white"]
    (white,) = (row for row in cells if row["class"] == "white")
    index = class_indices(48)
    assert int(white["inner_area_px2"]) == np.count_nonzero(index == 3)
    ratio = np.count_nonzero(index == 3) / np.count_nonzero(index == 2)
    assert float(white["nucleus_to_cytoplasm_ratio"]) == pytest.approx(ratio, rel=1e-4)
    assert int(white["area_px2"]) == np.count_nonzero((index == 2) | (index == 3))
    counts = {
        row["image"]: (row["count_red"], row["count_white"], row["count_platelet"])
        for row in rows(tmp_path / "images.csv")
    }
    assert counts["s0"] == ("2", "1", "1") and counts["s1"] == ("2", "1", "0")
    coco = json.loads((tmp_path / "s1_coco.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["red", "white", "platelet"]
    assert sorted(item["category_id"] for item in coco["annotations"]) == [1, 1, 2]
    objects = json.loads((tmp_path / "s1_cells.geojson").read_text())["features"]
    assert {item["properties"]["classification"]["name"] for item in objects} == {"red", "white"}
    assert run(compare, smears / "masks", tmp_path, "--classes", NAMES) == 0
    assert "nucleus (in white)  1.0000  1.0000\n" in capsys.readouterr().out
    swapped = NAMES.replace("red", "w").replace("white", "red").replace("w,", "white,")
    assert run(compare, smears / "masks", tmp_path, "--classes", swapped) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1:3] for line in lines if line[:1] in (["red"], ["white"], ["platelet"])] == [["0.0000"] * 2] * 2 + [
        ["1.0000"] * 2
    ]
    assert run(predict, model, smears / "images", "--out", tmp_path, "--skip-existing") == 0
    (tmp_path / "s2_classes.png").unlink()
    assert run(predict, model, smears / "images", "--out", tmp_path) == 2
    # What was predicted can be given as masks, and is no image to predict.
    assert run(predict, model, tmp_path, "--out", tmp_path / "again") == 2


def test_outlines_have_the_colours_of_the_classes(smears, model, tmp_path):
    assert run(predict, model, smears / "images" / "s0.png", "--out", tmp_path) == 0
    pixels = np.asarray(Image.open(tmp_path / "s0_cells.png").convert("RGB"))
    present = {tuple(colour) for colour in pixels.reshape(-1, 3).tolist()}
    legend = minunet.load_model(model).legend
    # The platelet is as small as its number, which hides its outline here.
    assert {legend.colour_of(name) for name in ("red", "white", "nucleus")} <= present


def test_an_evaluation_has_a_row_for_each_class(smears, model, tmp_path, capsys):
    assert run(evaluate, model, smears, "--out", tmp_path / "scores") == 0
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("  platelet "))
    assert line.split()[1:] == ["1.0000", "1.0000", "4", "4", "0.0", "%", "1.0000"]
    assert "nucleus (in white)  1.0000  1.0000\n" in printed
    numbers = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert numbers["mean_class_dice"] == 1 and numbers["classes"]["white"]["true_cells"] == 6
    assert numbers["classes"]["nucleus"]["true_cells"] is None


def test_a_class_that_no_image_shows_has_no_score(model, tmp_path, capsys):
    data = write_smears(tmp_path / "data", 3, without=(0, 1, 2))
    assert run(evaluate, model, data) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  platelet "))
    assert line.split()[1:] == ["-", "-", "0", "0", "-", "-"]


def test_masks_whose_values_are_others_than_in_the_training(model, tmp_path, capsys):
    data = write_smears(tmp_path / "data", 3, values=COLOURS)
    assert run(evaluate, model, data) == 2
    assert "say" in capsys.readouterr().err
    names = "background=#000000,red=#ff0000,white=#00ff00,nucleus=#0000ff,platelet=#ffff00"
    assert run(evaluate, model, data, "--classes", names) == 0
    assert "mean                1.0000" in capsys.readouterr().out
    assert run(evaluate, model, data, "--classes", names.replace("red", "erythrocyte")) == 2
    assert "the classes of the model are background, red, white" in capsys.readouterr().err
    other = write_smears(tmp_path / "other", 3, values=(0, 1, 2, 3, 9))
    assert run(evaluate, model, other) == 2
    assert "9 is no class of the model (background 0, red 1, white 2" in flat(capsys.readouterr().err)
    assert run(evaluate, model, other, "--cell", ">0") == 0
    assert "the classes of the model are not scored" in flat(capsys.readouterr().out)


def test_classes_in_the_scores_from_python(smears, model):
    scores = minunet.load_model(model).evaluate(smears)
    assert scores["classes"]["red"]["dice"] == 1 and scores["mean_class_dice"] == 1


def test_the_doctor_counts_the_cells_of_each_class(smears, capsys):
    assert run(doctor, smears, "--classes", NAMES) in (0, 1)
    printed = flat(capsys.readouterr().out)
    assert "by class: 12 red, 6 white, 4 platelet" in printed and "nucleus, 0.3 % platelet" in printed
    assert f"--classes {NAMES}" in printed
    run(doctor, smears, "--classes", NAMES, "--json")
    assert json.loads(capsys.readouterr().out)["classes"]["red"]["cells"] == 12


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--classes", "background,red"], "names 2 classes (background, red), and the masks hold 5 values: 0 ("),
        (["--classes", "a,b,c,d,e,f"], "names 6 classes (a, b, c, d, e, f), and the masks hold 5 values"),
        (["--classes", "a,b,b,c,d"], "b is there twice"),
        (["--classes", "background"], "one class only"),
        (["--classes", "background=0,red=1,white=2+3,platelet=7"], "platelet=7: no mask holds such a value"),
        (["--classes", "background=0,red=1"], "names no class for 2, 3 and 4"),
        (["--classes", NAMES, "--cell", ">0"], "--cell and --classes exclude each other"),
        (["--classes", NAMES, "--invert-masks"], "--invert-masks and --classes exclude each other"),
        (["--classes", NAMES, "--mask", "grayscale"], "--classes and --mask grayscale exclude each other"),
    ],
)
def test_classes_that_cannot_be(flags, problem, smears, tmp_path, capsys):
    assert train(smears, "--out", tmp_path / "run", *TINY, *flags) == 2
    assert any(problem in line for line in problems(capsys))
    assert not (tmp_path / "run").exists()


def test_three_levels_are_still_asked_about_and_one_answer_is_classes(tmp_path, capsys):
    data = write_smears(tmp_path / "data", 3, values=(0, 128, 255, 255, 255))
    assert train(data, "--out", tmp_path / "run", *TINY) == 2
    error = flat(capsys.readouterr().err)
    assert "(b)" in error and "--cell" in error and "--classes background,class_1,class_2" in error


def test_a_class_that_no_training_image_shows_is_said(tmp_path, capsys):
    data = write_smears(tmp_path / "data", 4, without=(0, 1, 2, 3))
    Image.fromarray(class_indices(48)).save(data / "masks" / "s0.png")
    said = []
    for seed in range(4):
        run(doctor, data, "--classes", NAMES, "--seed", seed)
        said.append("no training image shows platelet" in flat(capsys.readouterr().out))
    assert any(said) and not all(said)


def test_a_model_without_classes_cannot_be_asked_for_them(smears, tmp_path, capsys):
    from minunet.checkpoints.model_writing import write_model
    from minunet.data.reading.preprocessing import Preprocessing

    path = write_model(tmp_path / "m.safetensors", minunet.UNet(base_channels=2, depth=1), Preprocessing(size=(16, 16)))
    assert run(evaluate, path, smears, "--classes", NAMES) == 2
    assert "the model tells cell and background only" in flat(capsys.readouterr().err)
