"""Weights that are not finite are refused, and not turned into an image without cells."""

import numpy as np
import pytest

from minunet import UNet
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.checkpoints.training_state import load_state, save_state
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.nn.optim import Adam

CONFIG = {"base_channels": 2, "depth": 1}


@pytest.fixture(params=[np.nan, np.inf, -np.inf])
def spoilt(request):
    """A model with one value that is not finite."""
    model = UNet(**CONFIG)
    model.head.weight.data[0, 0, 0, 0] = request.param
    return model


def test_a_model_with_them_is_refused(spoilt, tmp_path):
    path = write_model(tmp_path / "model.safetensors", spoilt, Preprocessing())
    with pytest.raises(UserError, match=r"1 of \d+ tensors hold NaN or infinite values \(such as 'head.weight'\)"):
        load_model(path)


def test_so_is_a_state_of_training(spoilt, tmp_path):
    optimizer = Adam(spoilt.parameters())
    path = save_state(
        tmp_path / "last.safetensors", spoilt, optimizer, epoch=1, step=1, config={}, history=[], preprocessing=None
    )
    with pytest.raises(UserError, match="train again with a lower --lr"):
        load_state(path, UNet(**CONFIG))
