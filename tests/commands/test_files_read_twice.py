"""Every image and mask is opened twice before the work begins: once to check and split the data, once to prepare it.

The header of an image that is scored is read once more: its size tells how many processes are fastest.
"""

from pathlib import Path

import numpy as np

import minunet.train
from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.evaluate import main as evaluate
from minunet.experiments.runner import StudyRunner
from minunet.experiments.study import PaperStudy
from minunet.paper import main as paper
from minunet.runs.training_run import TrainingRun
from minunet.runs.training_target import MOST_MASKS
from tests.discs import write_discs
from tests.file_openings import count_openings

SMALL = ["--size", "16x12", "--depth", "1", "--base-channels", "2", "--device", "cpu"]


def data_of(tmp_path):
    return write_discs(tmp_path / "data", 10, (32, 24), squared_radius=50)


def twice(data):
    return dict.fromkeys(data.glob("*/*.png"), 2)


def test_train(tmp_path, monkeypatch):
    data = data_of(tmp_path)
    opened = count_openings(monkeypatch)
    loaded = {}
    monkeypatch.setattr(TrainingRun, "describe", lambda run: loaded.update(opened))
    for step in ("fit", "finish"):
        monkeypatch.setattr(TrainingRun, step, lambda run: None)
    assert minunet.train.main([str(data), "--out", str(tmp_path / "run"), *SMALL]) == 0
    # At most ten masks once more: whether their cells have gaps decides what is learned of cells.
    again = {path: 3 for path, count in loaded.items() if count == 3 and path.parent.name == "masks"}
    assert loaded == twice(data) | again and len(again) <= MOST_MASKS


def test_evaluate(tmp_path, monkeypatch):
    data = data_of(tmp_path)
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    write_model(tmp_path / "model.safetensors", model, Preprocessing(size=(16, 12)))
    opened = count_openings(monkeypatch)
    assert evaluate([str(tmp_path / "model.safetensors"), str(data)]) == 0
    assert opened == twice(data) | dict.fromkeys(data.glob("images/*.png"), 3)


def test_paper(tmp_path, monkeypatch):
    data = data_of(tmp_path)
    opened = count_openings(monkeypatch)
    for step in ("plan", "report"):
        monkeypatch.setattr(PaperStudy, step, lambda *arguments: [])
    monkeypatch.setattr(StudyRunner, "run", lambda *arguments: None)
    for announce in ("announce_plan", "announce_report"):
        monkeypatch.setattr(f"minunet.paper.{announce}", lambda *arguments: None)
    assert paper([str(data), "--out", str(tmp_path / "study"), "--epochs", "2", *SMALL]) == 0
    assert {path: count for path, count in opened.items() if Path(data) in path.parents} == twice(data)
