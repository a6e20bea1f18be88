"""The settings of a run: their defaults, the file that keeps them, and the network that they describe."""

import json
from dataclasses import replace

import pytest

from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.runs.train_config import TrainConfig


def test_the_defaults_are_sound_and_those_that_need_no_thought():
    config = TrainConfig()
    assert config.problems() == []
    assert (config.variant, config.base_channels, config.depth, config.size) == ("paper", 16, 4, (256, 256))
    assert (config.mask, config.epochs, config.batch_size, config.augment) == ("binary", 40, 8, "light")
    assert (config.lr, config.schedule, config.loss, config.drawn) == (2e-3, "onecycle", "bce", True)


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(data="smears", size=None, crop=128, threshold=0.25, group=r"slide\d+", split=(0.5, 0.25, 0.25)),
        TrainConfig(images="a", masks="b", mask="grayscale", channels="rgb", size=(64, 48), threads=2, lr=3.3e-4),
    ],
)
def test_json_and_back_is_the_same(config, tmp_path):
    path = config.write(tmp_path / "config.json")
    assert TrainConfig.read(path) == config
    assert set(json.loads(path.read_text())) == set(config.to_dict())


def test_a_run_of_an_older_version_keeps_its_mild_lighting(tmp_path):
    assert TrainConfig().lighting == "wide"
    path = tmp_path / "config.json"
    stored = TrainConfig(data="smears").to_dict()
    del stored["lighting"]
    path.write_text(json.dumps(stored))
    assert TrainConfig.read(path) == TrainConfig(data="smears", lighting="mild")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("[1]", "this holds no settings"),
        ('{"epochs": "many"}', "--epochs many: give a whole number of at least 1."),
        ('{"size": 64}', "--size 64: give WIDTHxHEIGHT"),
        ('{"split": 0.8}', "--split 0.8: give three positive shares"),
        ('{"lr": true}', "--lr True: give a positive number"),
        ('{"data": 5}', "--data 5: give text."),
        ('{"group": ["a"]}', "--group ('a',): give text."),
        ('{"block_end_relu": "no"}', "--block-end-relu no: give true or false."),
    ],
)
def test_a_file_that_was_edited_wrongly_says_what_is_wrong(text, message, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match="config.json") as error:
        TrainConfig.read(path)
    assert message in str(error.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UserError, match="cannot be read .*check the path"):
        TrainConfig.read(tmp_path / "config.json")


def test_the_architecture_builds_the_network_and_the_monitor_follows_the_mask():
    config = TrainConfig(channels="rgb", base_channels=2, depth=1, variant="classic")
    assert UNet(**config.architecture()).config == config.architecture()
    assert config.architecture()["in_channels"] == 3
    assert config.monitor == "dice" and TrainConfig(mask="grayscale").monitor == "loss"


@pytest.mark.parametrize(
    ("epochs", "stored", "done", "extended"),
    [
        (10, {"epochs": 10}, 3.5, ()),
        (20, {"epochs": 10}, 10, (10,)),
        (20, {"epochs": 10}, 0.2, (10,)),
        (20, {"epochs": 10}, 0, ()),  # nothing was trained yet
        (20, {"epochs": 20, "extended": [10]}, 15, (10,)),
        (40, {"epochs": 20, "extended": [10]}, 15, (10, 20)),
        (40, {"epochs": 20, "extended": [10]}, 10, (10,)),  # the part from 10 to 20 had not begun
        (15, {"epochs": 20, "extended": [10]}, 12, (10,)),
        (8, {"epochs": 20, "extended": [10]}, 5, ()),
        (10, {"epochs": 20, "extended": [10]}, 10, ()),
    ],
)
def test_the_epochs_of_the_past_are_kept_when_a_run_is_made_longer(epochs, stored, done, extended):
    config = replace(TrainConfig(), epochs=epochs).extend(stored, done)
    assert (config.epochs, config.extended) == (epochs, extended)
    assert config.problems() == []
    assert ("extended" in config.to_dict()) == bool(extended)


@pytest.mark.parametrize("extended", [(40,), (0,), (5, 5), (1.5,), 3, "ab"])
def test_parts_that_do_not_ascend_are_a_problem(extended):
    (problem,) = TrainConfig(extended=extended).problems()
    assert problem.endswith("give ascending numbers of epochs, each below --epochs 40.")


@pytest.mark.parametrize(
    "stored", [{}, {"epochs": "3"}, {"epochs": 3, "extended": [3]}, {"epochs": 3, "extended": 1}, {"epochs": 0}]
)
def test_a_state_that_does_not_say_its_epochs_is_refused(stored):
    with pytest.raises((KeyError, TypeError, ValueError)):
        TrainConfig().extend(stored, 1)
