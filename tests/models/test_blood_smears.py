"""The pretrained model as it is in the package: small, described in its own header, and good on smears that it has not seen."""

import os

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet.cells.cell_scores import CellScores
from minunet.cells.watershed import find_cells
from minunet.checkpoints.pretrained import PRETRAINED_FILE
from minunet.data.mask_cells import connected_cells
from minunet.data.synthetic import draw_smear
from tests.checkpoints.model_files import header


@pytest.fixture(scope="module")
def model():
    return minunet.load_model(device="cpu")


def dice(found, true):
    return 2 * np.count_nonzero(found & true) / (np.count_nonzero(found) + np.count_nonzero(true))


def test_it_is_small_and_says_what_it_is():
    assert 100_000 < os.path.getsize(PRETRAINED_FILE) <= 8_000_000
    document = header(PRETRAINED_FILE)
    assert "drawn smears alone" in document["about"] and "not for diagnosis" in document["about"]
    assert {"seed", "smears", "epochs"} <= document["extra"]["card"].keys()
    assert document["preprocessing"]["diameter"] > 0


@pytest.mark.parametrize("negative", [False, True])
def test_it_finds_the_cells_of_drawn_smears_that_it_was_not_trained_on(model, negative):
    drawn = [draw_smear(np.random.default_rng([7000, index]), (128, 112), "wide", 24.0) for index in range(6)]
    images = [255 - smear.image if negative else smear.image for smear in drawn]
    scores = [
        dice(model.predict(image, diameter=24.0) > 0.5, smear.mask) for image, smear in zip(images, drawn, strict=True)
    ]
    assert np.mean(scores) > 0.8, scores


def test_it_finds_the_cells_of_real_smears(model, real_smears):
    """At a third of their size, so that the test is fast; the cells are then about 34 pixels wide, which is estimated."""
    scores, counted = [], CellScores()
    for path in sorted((real_smears / "images").iterdir())[::30]:
        with Image.open(path) as image, Image.open(real_smears / "masks" / f"{path.stem}.png") as mask:
            size = image.width // 3, image.height // 3
            small = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX))
            true = np.asarray(mask.convert("L").resize(size, Image.Resampling.NEAREST)) > 127
        maps = model.predict_outputs(small)
        scores.append(dice(maps.probability > 0.5, true))
        found = find_cells(maps.probability, model.cell_settings, maps.separation)
        counted.update(connected_cells(true), found, path.stem)
    assert np.mean(scores) >= 0.9, scores
    assert counted.result()["cell_f1"] >= 0.8
