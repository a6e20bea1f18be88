"""What the tests of training share: a model file."""

import pytest

from minunet.checkpoints.model_writing import write_model
from tests.checkpoints.model_files import SIZE, unet


@pytest.fixture
def saved(tmp_path):
    return write_model(tmp_path / "model.safetensors", unet(), SIZE, metrics={"dice": 0.9})
