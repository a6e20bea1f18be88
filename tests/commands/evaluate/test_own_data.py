"""`evaluate RUN` alone: the run's own test images, wherever run and data were moved together; --threshold and --json."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from minunet import load_model
from minunet.files.json_files import read_json, write_json
from minunet.runs import evaluation_run
from tests.commands.evaluate.small_evaluations import draw, numbers, run


def document(capsys):
    return json.loads(capsys.readouterr().out)


def test_a_run_alone_is_scored_on_its_own_test_images(root):
    assert run("run", "--out", "out") == 0
    assert [image["name"] for image in sorted(numbers()["images"], key=lambda i: i["name"])] == ["e", "f"]
    assert numbers()["data"] == str(root / "data")
    assert run("run/model.safetensors", "--side", "validation", "--out", "other") == 0
    assert [image["name"] for image in numbers("other")["images"]] == ["d"]


def test_data_that_were_moved_with_the_run_are_found(root, tmp_path, capsys):
    shutil.copytree(root / "data", tmp_path / "data")
    config = read_json("run/config.json")
    write_json("run/config.json", {**config, "data": "/gone/project/data"})
    assert run("run", "--json") == 0
    assert document(capsys)["data"] == str(tmp_path / "data")


def test_other_images_of_the_same_place_are_not_taken_for_them(root, tmp_path, capsys):
    draw(tmp_path / "data", "abcdeg")
    write_json("run/config.json", {**read_json("run/config.json"), "data": "/gone/project/data"})
    assert run("run") == 2
    said = capsys.readouterr().err
    assert "/gone/project/data, where the data of this run were, does not exist; say where they are: python -m" in said
    assert "mean" not in said  # no "did you mean"


def test_a_model_without_its_run_has_no_data(root, tmp_path, capsys):
    shutil.copy("run/model.safetensors", tmp_path / "alone.safetensors")
    assert run("alone.safetensors") == 2
    assert "which images? alone.safetensors is no run folder" in capsys.readouterr().err


def test_a_run_folder_is_no_data(root, capsys):
    assert run("run", "run") == 2
    assert capsys.readouterr().err.startswith("error: run is the folder of a training, and its pictures are no images")


@pytest.mark.parametrize("native", [False, True])
def test_the_threshold_decides_what_is_a_cell(root, capsys, native):
    flags = ["--native"] if native else []
    assert run("run", "--threshold", "0.9", "--json", *flags) == 0
    found = document(capsys)
    assert found["threshold"] == 0.9 and found["cells"]["settings"]["threshold"] == 0.9
    if native:
        for image in found["images"]:
            mask = np.asarray(Image.open(root / f"data/masks/{image['name']}.png")) > 0
            predicted = load_model("run").predict(root / f"data/images/{image['name']}.png") > 0.9
            assert image["dice"] == pytest.approx(2 * (mask & predicted).sum() / (mask.sum() + predicted.sum()))
    assert run("run", "--json", *flags) == 0
    plain = document(capsys)
    assert found["all_pixels"]["recall"] < plain["all_pixels"]["recall"]
    assert found["all_pixels"]["loss"] == plain["all_pixels"]["loss"]


def test_the_pictures_show_what_is_above_the_threshold(root, monkeypatch):
    grids, reports = [], []
    grid = evaluation_run.prediction_grid
    monkeypatch.setattr(
        evaluation_run, "prediction_grid", lambda rows, **how: grids.append((rows, how)) or grid(rows, **how)
    )
    monkeypatch.setattr(
        "minunet.evaluate.write_evaluation_report", lambda out, model, cases, *rest: reports.append(cases)
    )
    assert run("run", "--threshold", "0.9", "--out", "out") == 0
    rows, how = grids.pop()
    assert how["heading"].endswith("; cell where the probability is above 0.9")
    for row, case in zip(rows, reports.pop(), strict=True):
        probability = load_model("run").predict(root / f"data/images/{case.shown.name}.png")
        assert np.array_equal(row.prediction, probability > 0.9)
        assert case.shown.threshold == 0.9  # of the outlines and the errors in the report
    assert run("run", "--out", "plain") == 0
    rows, how = grids.pop()
    assert how["heading"] == "the worst and the best of 2 images" and rows[0].prediction.dtype == np.float32


def test_an_image_without_a_cell_is_one_at_the_threshold(root, capsys):
    for scale in ([], ["--native"]):
        for threshold, words in (("1", "none of its pixels is a cell"), ("0", "all of its pixels are cells")):
            assert run("run", "--threshold", threshold, "--json", *scale) == 0
            found = document(capsys)
            assert all(words in image["unlike"].lower() for image in found["images"])
            assert found["native_pixels"]["recall"] == float(threshold == "0")


def test_thresholds_of_0_and_1(root, capsys):
    assert run("run", "--threshold", "1", "--json") == 0
    assert document(capsys)["all_pixels"]["recall"] == 0
    assert run("run", "--threshold", "0", "--json") == 0
    assert document(capsys)["all_pixels"]["recall"] == 1


def test_json_is_all_that_stdout_holds_and_has_what_the_file_has(root, capsys):
    assert run("run", "--json", "--out", "out") == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert {**numbers(), "warnings": [], "exit_code": 0} == found
    assert "scored    2 of 6 images" in said.err
    assert run("run", root / "data", "--side", "train", "--json") == 0
    assert "THESE ARE NOT TEST SCORES" in document(capsys)["warnings"][0]


def test_a_mistake_is_a_document_too(root, capsys):
    assert run("run", "nowhere", "--threshold", "2", "--json") == 2
    found = document(capsys)
    assert found["exit_code"] == 2 and any("--threshold 2" in problem for problem in found["problems"])
