"""The commands of a report train with the same settings again."""

import shlex

import pytest

from minunet.runs import train_flags
from minunet.runs.train_config import TrainConfig
from minunet.runs.training_commands import training_commands


def read(command):
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "minunet.train"]
    request = train_flags.read(words[3:])
    assert not request.problems
    return request


@pytest.mark.parametrize(
    "settings",
    [
        {"data": "/smears", "size": (256, 192)},
        {"data": "/with a space", "size": (64, 48), "lr": 0.00123456789, "clip": 0.0, "seed": 7, "recompute": True},
        {"images": "/a", "masks": "/b", "size": None, "crop": 64, "skip_unpaired": True, "split": (0.7, 0.2, 0.1)},
        {"data": "/-smears", "mask": "grayscale", "group": "-[a-z]+", "channels": "rgb", "range": "0:4095"},
        {"data": "/smears", "invert_masks": True, "augment": "none", "variant": "classic", "epochs": 3, "threads": 1},
        {"data": "/smears", "cell": "not:#ffffff", "ignore": "255", "device": "cpu", "precision": "fp32"},
        {"data": "/smears", "threshold": 0.25, "loss": "dice", "schedule": "constant", "max_memory": 123456789},
        {"data": "/smears", "target": "cells", "separation": "seam"},
        {"data": "/smears", "classes": "background,red,white"},
        {"data": "/smears", "size": None, "crop": 64, "diameter": 16.5},
        dict(train_flags.WITHOUT_DATA),
        {**train_flags.WITHOUT_DATA, "size": (64, 64), "lighting": "wide"},
    ],
)
def test_the_command_has_the_same_settings(settings):
    config = TrainConfig(**settings)
    (command,) = training_commands(config)
    assert read(command).config == config


def test_a_run_that_was_made_longer_twice():
    config = TrainConfig(data="/smears", epochs=40, extended=(10, 25))
    first, *longer = training_commands(config, "runs/a b")
    assert read(first).config.epochs == 10
    assert str(read(first).folder.path) == "runs/a b"
    assert longer == [
        "python -m minunet.train --resume 'runs/a b' --epochs 25",
        "python -m minunet.train --resume 'runs/a b' --epochs 40",
    ]


def test_defaults_are_left_out():
    config = TrainConfig(data="/smears", size=(256, 192))
    assert training_commands(config) == ["python -m minunet.train /smears --target pixels --size 256x192"]


def test_what_depends_on_the_first_weights_is_given():
    config = TrainConfig(data="/smears", init="/a model", epochs=40, lr=2e-3, batch_size=8)
    (command,) = training_commands(config)
    assert "--init '/a model' --epochs 40 --batch-size 8 --lr 0.002" in command
