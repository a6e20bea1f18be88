"""Discs on a grid as an image, and a model of one cell diameter that calls what is bright a cell."""

import numpy as np

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.cell_folders import bright_is_cell


def bright_model(folder):
    return load_model(write_model(folder / "model.safetensors", bright_is_cell(), Preprocessing(diameter=12)))


def discs(diameter, shape=(240, 320), spacing=1.6):
    """Bright discs on a grid."""
    rows, columns = (np.mgrid[: shape[0], : shape[1]] / (spacing * diameter) + 0.5) % 1 - 0.5
    return np.where(rows**2 + columns**2 < (0.5 / spacing) ** 2, 230, 30).astype(np.uint8)
