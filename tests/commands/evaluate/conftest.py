"""What the tests of `python -m minunet.evaluate` share: discs with a run on them, and a copy of that run for each test."""

import shutil

import pytest

from minunet.data.reading.preprocessing import Preprocessing
from minunet.files.json_files import write_json
from minunet.runs.train_config import TrainConfig
from tests.commands.evaluate.small_evaluations import SIZE, draw, trained_model


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder with data/ (a to f) and run/, trained on a to c, validated on d."""
    root = tmp_path_factory.mktemp("made")
    data = draw(root / "data", "abcdef")
    trained_model(root / "run", Preprocessing(size=SIZE), data)
    TrainConfig(data=str(data), size=SIZE).write(root / "run" / "config.json")
    write_json(root / "run" / "split.json", {"train": ["a", "b", "c"], "validation": ["d"], "test": ["e", "f"]})
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """The folder of `made`; the working folder has a run/ of its own."""
    shutil.copytree(made / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return made
