"""The end of a training: the settings of cells are chosen on the validation images, and stored with the model."""

import json
import sys

import pytest

from minunet.checkpoints.model_file import load_model
from minunet.data.outputs import Outputs
from minunet.runs.callbacks import CheckpointWriter
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, assert_same_run, train


def test_the_settings_are_in_the_model_and_in_the_metrics(finished):
    choice = load_model(finished).cell_choice
    assert choice is not None
    assert choice.validation["cells"] == choice.validation["images"] == 1  # one disc in one validation image
    stored = json.loads((finished / "metrics.json").read_text())["cells"]
    ((true, predicted),) = stored.pop("validation_counts")
    assert true == 1 and predicted >= 0
    assert stored == choice.to_dict()


def test_without_the_packages_training_says_how_to_get_cells(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 0
    assert "scikit-image is not installed, so cells are not counted" in " ".join(capsys.readouterr().out.split())
    assert load_model(tmp_path / "run").cell_choice is None
    assert "cells" not in json.loads((tmp_path / "run" / "metrics.json").read_text())


def test_cells_are_learned_by_default_and_pixels_on_request(finished, discs, tmp_path, capsys):
    assert load_model(finished).outputs == Outputs(separation=TrainConfig.separation)
    assert train(discs, "--out", tmp_path / "run", *TINY, "--epochs", 1, "--target", "pixels") == 0
    assert "target    cell or not, pixel by pixel" in capsys.readouterr().out
    assert load_model(tmp_path / "run").outputs == Outputs()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["target"] == "pixels"


@pytest.mark.parametrize(
    "flags", [["--separation", "seam"], ["--separation", "centre", "--variant", "classic", "--loss", "bce+dice"]]
)
def test_a_resumed_training_of_cells_is_the_same_to_the_bit(discs, tmp_path, flags, monkeypatch):
    arguments = [discs, *TINY, "--epochs", 2, *flags]
    assert train(*arguments, "--out", tmp_path / "whole") == 0
    plain = CheckpointWriter.on_epoch_end

    def stop(self, record):
        plain(self, record)
        raise RuntimeError("stopped")

    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", stop)
    with pytest.raises(RuntimeError, match="stopped"):
        train(*arguments, "--out", tmp_path / "run")
    monkeypatch.setattr(CheckpointWriter, "on_epoch_end", plain)
    assert train("--resume", tmp_path / "run") == 0
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--target", "cells", "--mask", "grayscale"], "--target cells and --mask grayscale exclude each other"),
        (["--target", "pixels", "--separation", "seam"], "--separation separates cells: leave it out"),
        (["--separation", "glue"], "--separation"),
        (["--target", "atoms"], "--target"),
    ],
)
def test_targets_that_cannot_be(discs, tmp_path, capsys, flags, message):
    assert train(discs, "--out", tmp_path / "run", *TINY, *flags) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run" / "config.json").exists()
