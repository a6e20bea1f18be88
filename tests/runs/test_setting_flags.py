"""Settings as flags: every one has its flag, and shows the default of the command that has it."""

from dataclasses import fields
from pathlib import Path

import pytest

from minunet.cli.parser import Parser
from minunet.experiments.paper_flags import STUDY_FLAGS
from minunet.experiments.study_settings import StudySettings
from minunet.runs import train_flags
from minunet.runs.setting_checks import flag
from minunet.runs.setting_flags import SETTING_FLAGS, add_setting_flags, as_typed, given_settings
from minunet.runs.train_config import TrainConfig


def test_every_setting_of_a_training_that_a_user_can_choose_has_a_flag():
    flags = train_flags.build_parser()._option_string_actions
    without = {"data", "activation", "pooling", "block_end_relu"}  # a folder, and what only the paper study varies
    without |= {
        "extended",
        "reading",
        "image_range",
        "class_weights",
        "init_hash",
    }  # they follow from --epochs when a run is resumed, and from the data
    for field in fields(TrainConfig):
        assert (flag(field.name) in flags) == (field.name not in without)


def test_the_help_has_the_default_of_the_settings_that_are_given():
    for settings, lr, size in ((TrainConfig(), "0.002", "256x256"), (StudySettings(), "0.001", "256x192")):
        parser = Parser(prog="thing")
        add_setting_flags(parser, ("lr", "size"), settings)
        help_ = " ".join(parser.format_help().split())
        assert f"(default {lr})" in help_ and f"(default {size})" in help_


def test_another_default_without_data_is_shown_too():
    parser = Parser(prog="thing")
    add_setting_flags(parser, ["epochs"], TrainConfig(), without_data={"epochs": 20})
    assert "(default 40; 20 without DATA)" in " ".join(parser.format_help().split())


def test_only_what_is_given_is_a_setting_and_paths_hold_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    parser = Parser(prog="thing")
    add_setting_flags(parser, SETTING_FLAGS, TrainConfig())
    arguments, problems = parser.parse_collecting(["--images", "a", "--masks", "~/b", "--size", "8x6"])
    assert problems == []
    assert given_settings(arguments) == {
        "images": str(tmp_path / "a"),
        "masks": str(Path(tmp_path, "home", "b")),
        "size": (8, 6),
    }


@pytest.mark.parametrize(
    ("text", "shares"), [("0.8,0.1,0.1", (0.8, 0.1, 0.1)), ("80/10/10", (0.8, 0.1, 0.1)), ("1,2", (1.0, 2.0))]
)
def test_shares_are_fractions_or_percent(text, shares):
    assert SETTING_FLAGS["split"].type(text) == pytest.approx(shares)


def test_shares_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="80/10/10"):
        SETTING_FLAGS["split"].type("most")


@pytest.mark.parametrize(
    ("text", "name"), [("256x192", "size"), ("0.25:0.75", "levels"), ("0.5,0.25,0.25", "split"), ("1e-05", "lr")]
)
def test_a_value_is_shown_as_it_is_typed(text, name):
    assert as_typed(STUDY_FLAGS[name].type(text), name) == text
