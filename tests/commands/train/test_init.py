"""`python -m minunet.train --init`: trainings that begin with the weights of a model, stopped and resumed, of few images."""

import json

import numpy as np
import pytest

import minunet
from minunet import UNet
from minunet.checkpoints import pretrained
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.runs.callbacks import CheckpointWriter
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import assert_same_run, problems, train, write_pairs

FLAGS = ["--init", "pretrained", "--crop", 16, "--epochs", 2, "--device", "cpu"]


@pytest.fixture
def shipped(tmp_path_factory, monkeypatch):
    """A model that knows cells of 8 pixels, in the place of the shipped one."""
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(3))
    path = write_model(tmp_path_factory.mktemp("models") / "blood_smears.safetensors", model, Preprocessing(diameter=8))
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", path)
    return path


@pytest.fixture
def few(tmp_path):
    return write_pairs(tmp_path / "few", 5)


class PowerCut(BaseException):
    """Nothing catches it, as nothing catches a power cut."""


def test_five_images_are_enough_and_a_resumed_run_ends_with_the_same_bits(shipped, few, tmp_path, monkeypatch, capsys):
    assert train(few, "--out", tmp_path / "whole", *FLAGS) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "3 to train, 1 to validate, 1 to test" in said
    assert "resized so that cells are 8 pixels across, crops of 16x16" in said
    assert "begins with the weights of the model that comes with minunet" in said
    config = TrainConfig.read(tmp_path / "whole" / "config.json")
    assert (config.init, len(config.init_hash), config.base_channels, config.depth) == ("pretrained", 64, 2, 1)
    model = minunet.load_model(tmp_path / "whole")
    assert model.preprocessing.diameter == 8
    assert model.extra["training"]["init"] == "pretrained"

    plain = CheckpointWriter.on_epoch_end

    def cut(self, record):
        plain(self, record)
        raise PowerCut

    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", cut)
    with pytest.raises(PowerCut):
        train(few, "--out", tmp_path / "cut", *FLAGS)
    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", plain)
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", tmp_path / "gone")  # it is not needed any more
    assert train("--resume", tmp_path / "cut") == 0
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_run_of_ones_own_and_what_its_file_says_of_it(shipped, few, tmp_path, capsys):
    assert train(few, "--out", tmp_path / "first", *FLAGS, "--epochs", 1) == 0
    again = ["--init", tmp_path / "first", *FLAGS[2:], "--epochs", 1]
    assert train(few, "--out", tmp_path / "second", *again) == 0
    assert f"begins with the weights of {tmp_path / 'first'}" in " ".join(capsys.readouterr().out.split())
    stored = json.dumps(minunet.load_model(tmp_path / "second").extra)
    assert str(tmp_path) not in stored  # the file may be given to others
    assert train("--resume", tmp_path / "second", "--init", "pretrained") == 2
    assert problems(capsys)[0].startswith("--init pretrained: this run has ")


def test_what_contradicts_the_model_is_refused_with_the_problems_of_the_data(shipped, tmp_path, capsys):
    assert train(tmp_path / "gone", "--init", "pretrained", "--depth", 4, "--channels", "rgb") == 2
    found = problems(capsys)
    assert len(found) == 3
    assert any("--depth 4: the model of --init has 1" in problem for problem in found)
    assert any("gone does not exist" in problem for problem in found)
