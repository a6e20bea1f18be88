"""The scores of several seeds: their mean and spread, and which runs are collected."""

import pytest

from minunet.experiments.experiment import Experiment
from minunet.experiments.seed_scores import collect_scores
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings
from minunet.experiments.variations import Variations
from minunet.files.json_files import write_json
from tests.made_up_scores import SHARP, made_up


def test_mean_and_spread_over_the_seeds():
    scores = made_up([0.96, 0.98], dice=[0.8, 0.9])
    assert (scores.keras_accuracy, scores.dice) == pytest.approx((0.97, 0.85))
    assert scores.spread("dice") == pytest.approx(0.05 * 2**0.5)
    assert made_up(0.97).spread("dice") == 0.0


def test_finished_and_diverged_seeds_are_collected(tmp_path):
    folder, variations = StudyFolder(tmp_path), Variations(StudySettings(), 72).by_key
    limits = dict.fromkeys(((variation.size, variation.masks) for variation in variations.values()), SHARP)
    test = {"loss": 0.1, "keras_accuracy": 0.9, "dice": 0.8, "iou": 0.7}
    finished = {"test": test, "test_images": [{}, {}], "best_epoch": 2, "epochs": 3, "seconds": 4.0}
    write_json(folder.run(Experiment(variations["m2"], 1)).metrics, finished)
    scores = collect_scores(variations, (0, 1), folder, limits, diverged={"tanh-seed0"})
    assert scores.keys() == {"m2", "tanh"}
    assert scores["m2"].runs == (
        {"seed": 1, "run": "runs/m2-seed1", **test, "test_images": 2, "best_epoch": 2, "epochs": 3, "seconds": 4.0},
    )
    assert (scores["tanh"].runs, scores["tanh"].diverged) == ((), (0,))
    assert scores["tanh"].to_dict()["mean"] is None
