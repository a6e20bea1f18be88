"""The memory that `python -m minunet.predict` takes for large images, measured by the system."""

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from tests.commands.predict.peak_memory import IS_KNOWN, peak_of
from tests.commands.predict.prediction_folders import KINDS, written

SMALL_MACHINE = """
import minunet.runs.cell_results
minunet.runs.cell_results.available_memory = lambda: 1_000_000_000
"""


@pytest.mark.ci
@pytest.mark.skipif(not IS_KNOWN, reason="the system does not say how much memory was used")
def test_a_grey_image_of_6000x6000_pixels(tmp_path):
    network = UNet(base_channels=1, depth=1, variant="classic", rng=np.random.default_rng(0))
    model = write_model(tmp_path / "model.safetensors", network, Preprocessing(crop=64))
    row = (np.arange(6000) // 20 % 200).astype(np.uint8)
    Image.fromarray(np.repeat(row[None], 6000, axis=0)).save(tmp_path / "slide.png")
    # MB; decoded whole it would be 2,000 and more
    peak = peak_of(model, "slide.png", "--out", "out", folder=tmp_path, before=SMALL_MACHINE) / 2**20
    assert peak < 700
    cells = ["slide_cells.png", "slide_labels.tif"]  # found on disk, since the memory does not suffice
    assert written(tmp_path / "out") == sorted([*cells, *(f"slide_{kind}.png" for kind in KINDS)])
