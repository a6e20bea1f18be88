"""What the tests of `python -m minunet.predict` share: small models, and working folders with smears and with cells."""

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_settings import CellSettings
from minunet.cells.count_interval import CountInterval
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.cell_folders import bright_is_cell, draw


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The file of an untrained network."""
    folder = tmp_path_factory.mktemp("run")
    return write_model(
        folder / "model.safetensors",
        UNet(base_channels=2, depth=1, rng=np.random.default_rng(0)),
        Preprocessing(size=(16, 12)),
    )


@pytest.fixture
def smears(tmp_path, monkeypatch):
    """A working folder with smears/a.png, smears/b.png and smears/deep/a.jpg."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (9, 14, 3)), ("b.png", (8, 8)), ("deep/a.jpg", (33, 20, 3))):
        path = tmp_path / "smears" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(path)
    return tmp_path / "smears"


@pytest.fixture(scope="session")
def cell_model(tmp_path_factory):
    """A model at native resolution that calls what is bright a cell, with settings and an interval of the count."""
    path = tmp_path_factory.mktemp("cells") / "model.safetensors"
    choice = CellChoice(CellSettings(smoothing=0.02, seed_height=0.05), CountInterval(0.34, 9))
    return write_model(path, bright_is_cell(), Preprocessing(crop=32), cell_choice=choice)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with cells/three.png (two of them touch), cells/one.png and cells/none.png."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "cells" / "three.png", (32, 20, 10), (32, 38, 10), (30, 75, 9))
    draw(tmp_path / "cells" / "one.png", (30, 40, 12))
    draw(tmp_path / "cells" / "none.png")
    return tmp_path / "cells"
