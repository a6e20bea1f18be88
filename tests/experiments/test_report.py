"""The report of made-up scores: a sentence for each claim, and the numbers in the file."""

from minunet.experiments.report import StudyReport
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations
from minunet.files.json_files import read_json
from tests.made_up_scores import made_up

SETTINGS = StudySettings()
VARIATIONS = Variations(SETTINGS, 72)


def test_a_claim_is_a_sentence_once_two_of_its_rows_are_measured():
    scores = {"relu-max-all": made_up(0.95, dice=0.94)}
    assert StudyReport(SETTINGS, VARIATIONS, scores).claims == []
    scores |= {"tanh": made_up(0.95, dice=0.80), "10-images": made_up(0.95, dice=0.90)}
    activation, images = StudyReport(SETTINGS, VARIATIONS, scores).claims
    assert activation == "activation: ReLU is best in Dice (ReLU 0.9400, tanh 0.8000)."
    assert images == "training images: 72 images is best in Dice (72 images 0.9400, 10 images 0.9000)."


def test_each_kind_of_greys_is_compared():
    keys = [f"{model}{relu}" for model in ("m1", "m2", "m1-levels") for relu in ("", "-no-relu")]
    report = StudyReport(SETTINGS, VARIATIONS, {key: made_up(0.97) for key in keys})
    assert [each.greys for each in report.comparisons] == ["greys by resizing", "masks saved as greys 0.25:0.75"]


def test_the_files_hold_every_number(tmp_path):
    report = StudyReport(SETTINGS, VARIATIONS, {"m1": made_up(0.81), "m2": made_up(0.97)})
    report.write(StudyFolder(tmp_path))
    stored = read_json(tmp_path / "results.json")
    assert stored["rows"]["m2"]["mean"]["keras_accuracy"] == 0.97
    assert stored["rows"]["m2"]["bounds"] == {"floor": 0.0, "ceiling": 1.0, "background": 0.7, "cells": 0.3}
    assert stored["settings"] == SETTINGS.to_dict() | {
        name: list(getattr(SETTINGS, name)) for name in ("size", "levels")
    }
    assert "| M2, binary masks | 0.1000 |" in (tmp_path / "table.md").read_text()


def test_what_nothing_follows_from_stands_first(tmp_path):
    keys = ["m1", "m1-no-relu", "m2", "m2-no-relu"]
    scores = {key: made_up(0.97) for key in keys} | {"m2": made_up(0.7, dice=0.0)}
    scores |= {"relu-max-all": made_up(0.97), "tanh": made_up(0.7, dice=0.3), "average": made_up(0.96)}
    report = StudyReport(SETTINGS, VARIATIONS, scores)
    assert [sentence.split(".")[0] for sentence in report.nothing_follows] == [
        "M1 on greys by resizing: Nothing follows from these trainings",
        "activation: nothing follows",
    ]
    report.write(StudyFolder(tmp_path))
    text = (tmp_path / "table.md").read_text()
    assert text.index("M2 has learned nothing") < text.index("| M2, binary masks |")
    stored = read_json(tmp_path / "results.json")
    assert stored["nothing_follows"] == report.nothing_follows and stored["verdicts"][0]["by_relu"] is None
    assert stored["rows"]["m2"]["failed_seeds"] == [0]
