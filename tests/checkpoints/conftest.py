"""What the tests of training share: a model file."""

import pytest

from minunet.checkpoints.model_file import save_model
from tests.checkpoints.model_files import SIZE, unet


@pytest.fixture
def saved(tmp_path):
    return save_model(tmp_path / "model.safetensors", unet(), SIZE, metrics={"dice": 0.9})
