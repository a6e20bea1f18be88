"""A sentence for each setting of a training that cannot work."""

from dataclasses import replace

import pytest

from minunet.runs.train_config import TrainConfig


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
        ({"channels": "cmyk"}, "--channels cmyk: choose grey, rgb, or channels by number from 0"),
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
        ({"crop": 64, "diameter": 20.0}, "--size and --diameter exclude each other"),
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
