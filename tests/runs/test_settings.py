"""Settings in JSON: what comes back, and what is refused by name."""

import json

import pytest

from minunet.errors import UserError
from minunet.runs.train_config import TrainConfig


def test_json_and_back_is_the_same_and_what_is_missing_has_its_default():
    config = TrainConfig(data="smears", size=(64, 48), split=(0.5, 0.25, 0.25), lr=3.3e-4)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict())), "") == config
    assert TrainConfig.from_dict({"epochs": 3}, "") == TrainConfig(epochs=3, lighting="mild", range=None)


def test_smears_are_drawn_where_no_data_is_given():
    assert TrainConfig().drawn
    assert not any(TrainConfig(**{name: "a"}).drawn for name in ("data", "images", "masks"))


def test_unknown_settings_are_refused_by_name():
    with pytest.raises(UserError) as error:
        TrainConfig.from_dict({"epochs": 3, "epoch": 3, "momentum": 0.9}, "config.json")
    assert error.value.problems == [
        "config.json: there is no setting 'epoch'; remove it, or correct its spelling.",
        "config.json: there is no setting 'momentum'; remove it, or correct its spelling.",
    ]


def test_values_that_cannot_work_are_refused_with_their_source():
    with pytest.raises(UserError) as error:
        TrainConfig.from_dict({"epochs": 0, "depth": 9}, "config.json")
    assert [problem.split(":")[:2] for problem in error.value.problems] == [
        ["config.json", " --epochs 0"],
        ["config.json", " --depth 9"],
    ]
