"""The end of a training: the settings of cells are chosen on the validation images, and stored with the model."""

import json
import sys

from minunet.checkpoints.model_file import load_model
from tests.commands.train.small_runs import TINY, train


def test_the_settings_are_in_the_model_and_in_the_metrics(finished):
    choice = load_model(finished).cell_choice
    assert choice is not None
    assert choice.validation["cells"] == choice.validation["images"] == 1  # one disc in one validation image
    stored = json.loads((finished / "metrics.json").read_text())["cells"]
    assert stored == choice.to_dict()


def test_without_the_packages_training_says_how_to_get_cells(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 0
    assert "scikit-image is not installed, so cells are not counted" in " ".join(capsys.readouterr().out.split())
    assert load_model(tmp_path / "run").cell_choice is None
    assert "cells" not in json.loads((tmp_path / "run" / "metrics.json").read_text())
