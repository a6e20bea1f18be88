"""Images are resized by the diameter of their cells, given or estimated, for a model that knows one."""

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.appearance import measure_appearance
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages
from minunet.errors import UserError
from tests.commands.predict.cell_folders import bright_is_cell
from tests.inference.discs import bright_model, discs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bright_model(tmp_path_factory.mktemp("model"))


def test_what_is_predicted_follows_the_estimate(model):
    image = discs(40)
    probability = model.predict(image)
    assert probability.shape == image.shape
    assert np.array_equal(probability, model.predict(image, model.estimate_diameter(image)))
    assert np.mean((probability > 0.5) != (image > 128)) < 0.03
    assert len(model.cells(image, diameter=40).table) == len(model.cells(image).table) > 12


@pytest.mark.parametrize("diameter", [0, -3, float("nan"), 1e5, 1000, "20"])
def test_diameters_that_cannot_be(model, diameter):
    with pytest.raises(UserError, match="a cell diameter of"):
        model.predict(discs(40), diameter)


def test_a_model_that_resizes_all_images_takes_a_diameter_by_those_of_its_training(tmp_path):
    image = discs(40)
    preprocessing = Preprocessing(size=(96, 72))
    appearance = measure_appearance(image, preprocessing)
    unknown = load_model(write_model(tmp_path / "a", bright_is_cell(), preprocessing))
    known = load_model(
        write_model(
            tmp_path / "b", bright_is_cell(), preprocessing, training_images=TrainingImages.of([appearance], [12.0])
        )
    )
    assert (unknown.diameter, known.diameter) == (None, 12)
    assert np.array_equal(known.predict(image, 40), known.predict(image))  # 320 * 12 / 40 is 96
    assert known.predict(discs(60), 60).shape == (240, 320)
    with pytest.raises(UserError, match="does not know how large the cells of its training images are"):
        unknown.predict(image, 40)
    with pytest.raises(UserError, match="was not trained at one cell diameter"):
        known.estimate_diameter(image)
