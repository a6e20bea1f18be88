"""The estimate of the cell diameter of an image, and the prediction at it; the network calls what is bright a cell."""

import math

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.appearance import measure_appearance
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages
from minunet.errors import UserError
from minunet.inference.diameter_estimate import Look, _vertex
from tests.commands.predict.cell_folders import bright_is_cell


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    return load_model(write_model(path, bright_is_cell(), Preprocessing(diameter=12)))


def discs(diameter, shape=(240, 320), spacing=1.6):
    """Bright discs on a grid."""
    rows, columns = (np.mgrid[: shape[0], : shape[1]] / (spacing * diameter) + 0.5) % 1 - 0.5
    return np.where(rows**2 + columns**2 < (0.5 / spacing) ** 2, 230, 30).astype(np.uint8)


@pytest.mark.parametrize("diameter", [12, 20, 45, 110])
def test_discs_of_any_size(model, diameter):
    assert model.estimate_diameter(discs(diameter)) == pytest.approx(diameter, rel=0.15)


def test_what_is_predicted_follows_the_estimate(model):
    image = discs(40)
    probability = model.predict(image)
    assert probability.shape == image.shape
    assert np.array_equal(probability, model.predict(image, model.estimate_diameter(image)))
    assert np.mean((probability > 0.5) != (image > 128)) < 0.03
    assert len(model.cells(image, diameter=40).table) == len(model.cells(image).table) > 12


@pytest.mark.parametrize("shape", [(240, 320), (1, 1), (3, 400), (12, 12)])
@pytest.mark.parametrize("value", [0, 30, 255])
def test_images_without_cells_and_tiny_ones(model, shape, value):
    image = np.full(shape, value, np.uint8)
    assert model.estimate_diameter(image) is None
    assert model.predict(image).shape == shape


def test_one_cell_that_fills_the_image(model):
    image = discs(150, (160, 160), spacing=1.05)
    assert 75 < model.estimate_diameter(image) <= 200


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


def test_the_vertex_of_a_parabola():
    assert _vertex(1, 2, 1) == 0
    assert _vertex(0, 3, 2) == 0.25  # -2 x^2 + x + 3
    assert _vertex(2, 2, 2) == _vertex(-math.inf, 2, 1) == 0


def test_a_scale_at_which_hardly_anything_is_a_cell_scores_less():
    assert Look(1.0, 0.9, 0.3).score == Look(1.0, 0.9, 0.1).score == 0.9
    assert Look(1.0, 0.9, 0.05).score < 0.9
    assert Look(2.0, 0.9, 0.3).score == Look(0.5, 0.9, 0.3).score < 0.9
    assert Look(0.0, 0.0, 0.001).score == -math.inf
