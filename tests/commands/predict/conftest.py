"""What the tests of `python -m minunet.predict` share: a small model, and a working folder with smears."""

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_file import save_model
from minunet.data.reading.preprocessing import Preprocessing


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The file of an untrained network."""
    folder = tmp_path_factory.mktemp("run")
    return save_model(
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
