"""The maps of images that are prepared: whole, or in tiles."""

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference import tile_size
from tests.checkpoints.model_files import unet


@pytest.mark.parametrize("variant", ["paper", "classic"])
def test_large_images_are_tiled_without_a_seam(tmp_path, monkeypatch, variant):
    model = load_model(write_model(tmp_path / "m", unet(variant=variant), Preprocessing(crop=8)))
    image = np.random.default_rng(0).integers(0, 256, (401, 250), np.uint8)
    whole = model.predict(image)
    sizes = []
    run = model._run
    monkeypatch.setattr(model, "_run", lambda inputs: sizes.append(inputs.shape[1:3]) or run(inputs))
    monkeypatch.setattr(tile_size, "BUDGET", tile_size.PEAK_BYTES_PER_CHANNEL * 2 * 200 * 200)
    monkeypatch.setattr(tile_size, "TILE_BYTES", tile_size.BYTES_PER_CHANNEL * 2 * 90 * 90)
    tiled = model.predict(image)
    assert len(sizes) > 9
    assert max(height * width for height, width in sizes) <= 90 * 90
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
