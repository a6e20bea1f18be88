"""What the tests of training share: a model file."""

import pytest
from model_files import SIZE, unet

from minunet.training.checkpoint import save_model


@pytest.fixture
def saved(tmp_path):
    return save_model(tmp_path / "model.safetensors", unet(), SIZE, metrics={"dice": 0.9})
