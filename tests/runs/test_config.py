"""The settings of a run: JSON and back, unknown names, and a sentence for each value that cannot work."""

import json
from dataclasses import replace

import pytest

from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.runs.config import TrainConfig


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


def test_unknown_settings_are_refused_by_name():
    with pytest.raises(UserError) as error:
        TrainConfig.from_dict({"epochs": 3, "epoch": 3, "momentum": 0.9}, "config.json")
    assert error.value.problems == [
        "config.json: there is no setting 'epoch'; remove it, or correct its spelling.",
        "config.json: there is no setting 'momentum'; remove it, or correct its spelling.",
    ]


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "--epochs 0: give a whole number of at least 1."),
        ({"batch_size": -1}, "--batch-size -1: give a whole number of at least 1."),
        ({"base_channels": 0}, "--base-channels 0: give a whole number of at least 1."),
        ({"depth": 9}, "--depth 9: give a whole number from 1 to 8."),
        ({"seed": -1}, "--seed -1: give a whole number of at least 0."),
        ({"threads": 0}, "--threads 0: give a whole number of at least 1, or leave it out"),
        ({"lr": -0.1}, "--lr -0.1: give a positive number, such as 0.002."),
        ({"lr": float("nan")}, "--lr nan: give a positive number"),
        ({"clip": -1.0}, "--clip -1.0: give a norm above 0, such as 1.0, or 0 for none."),
        ({"mask": "soft"}, "--mask soft: choose one of binary, grayscale."),
        ({"channels": "cmyk"}, "--channels cmyk: choose one of grey, rgb."),
        ({"variant": "resnet"}, "--variant resnet: choose one of paper, classic."),
        ({"augment": "heavy"}, "--augment heavy: choose one of none, light, full."),
        ({"schedule": "step"}, "--schedule step: choose one of constant, cosine, onecycle."),
        ({"loss": "mse"}, "--loss mse: choose one of bce, dice, bce+dice."),
        ({"device": "tpu"}, "--device tpu: choose one of auto, cpu, cuda."),
        ({"threshold": 1.5}, "--threshold 1.5: give 'otsu', or a share of the mask's range, from 0"),
        ({"size": (0, 5)}, "--size 0x5: give WIDTHxHEIGHT in pixels, each from 1 to 16384"),
        (
            {"size": (256, 12)},
            "--size 256x12 is too small: --depth 4 halves it 4 times, so each side needs at least 16 pixels",
        ),
        ({"size": None, "crop": 8}, "--crop 8 is too small: --depth 4 halves it 4 times"),
        ({"size": None, "crop": 0}, "--crop 0: give the side of the crops in pixels"),
        ({"crop": 64}, "--size and --crop exclude each other"),
        ({"size": None}, "--size WxH or --crop N is needed"),
        ({"split": (0.9, 0.2, 0.1)}, "--split 0.9,0.2,0.1: the shares add up to 1.2; they must make 1 (or 100)."),
        ({"split": (0.9, 0.1)}, "--split 0.9,0.1: give three positive shares"),
        ({"split": (0.9, 0.1, 0.0)}, "--split 0.9,0.1,0.0: give three positive shares"),
        ({"group": "("}, "--group (: this is not a regular expression"),
    ],
)
def test_each_value_that_cannot_work_has_its_sentence(changes, message):
    problems = replace(TrainConfig(), **changes).problems()
    assert len(problems) == 1 and problems[0].startswith(message)


def test_all_problems_are_found_at_once():
    config = replace(TrainConfig(), epochs=0, lr=-1.0, size=(0, 5), mask="soft", split=(1, 1, 1), group="(")
    assert len(config.problems()) == 6


def test_the_architecture_builds_the_network_and_the_monitor_follows_the_mask():
    config = TrainConfig(channels="rgb", base_channels=2, depth=1, variant="classic")
    assert UNet(**config.architecture()).config == config.architecture()
    assert config.architecture()["in_channels"] == 3
    assert config.monitor == "dice" and TrainConfig(mask="grayscale").monitor == "loss"
