"""The estimate of the cell diameter of an image; the network calls what is bright a cell."""

import math

import numpy as np
import pytest

from minunet.inference.diameter_estimate import Look, _vertex
from tests.inference.discs import bright_model, discs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bright_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("diameter", [12, 20, 45, 110])
def test_discs_of_any_size(model, diameter):
    assert model.estimate_diameter(discs(diameter)) == pytest.approx(diameter, rel=0.15)


@pytest.mark.parametrize("shape", [(240, 320), (1, 1), (3, 400), (12, 12)])
@pytest.mark.parametrize("value", [0, 30, 255])
def test_images_without_cells_and_tiny_ones(model, shape, value):
    image = np.full(shape, value, np.uint8)
    assert model.estimate_diameter(image) is None
    assert model.predict(image).shape == shape


def test_one_cell_that_fills_the_image(model):
    image = discs(150, (160, 160), spacing=1.05)
    assert 75 < model.estimate_diameter(image) <= 200


def test_the_vertex_of_a_parabola():
    assert _vertex(1, 2, 1) == 0
    assert _vertex(0, 3, 2) == 0.25  # -2 x^2 + x + 3
    assert _vertex(2, 2, 2) == _vertex(-math.inf, 2, 1) == 0


def test_a_scale_at_which_hardly_anything_is_a_cell_scores_less():
    assert Look(1.0, 0.9, 0.3).score == Look(1.0, 0.9, 0.1).score == 0.9
    assert Look(1.0, 0.9, 0.05).score < 0.9
    assert Look(2.0, 0.9, 0.3).score == Look(0.5, 0.9, 0.3).score < 0.9
    assert Look(0.0, 0.0, 0.001).score == -math.inf
