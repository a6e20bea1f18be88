"""The pictures of two labellings of an image."""

import base64
import io

import numpy as np
from PIL import Image

from minunet.results.report.label_pictures import ShownLabels, separated
from minunet.results.report.report_pictures import ADDED, MISSED


def pixels_of(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.source.partition(",")[2])))).astype(int)


def squares(*sides):
    labels = np.zeros((60, 80), np.int32)
    for number, (rows, columns) in enumerate(sides, start=1):
        labels[rows, columns] = number
    return labels


LEFT, RIGHT = (slice(10, 40), slice(10, 30)), (slice(10, 40), slice(30, 50))


def test_where_only_one_has_a_cell_its_colour_is_shown():
    a, b = squares(LEFT), squares(RIGHT)
    pictures = ShownLabels.of("x", a, b).pictures()
    assert [picture.title for picture in pictures] == ["A", "B", "differences"]
    differences = pixels_of(pictures[2])
    assert np.abs(differences[25, 20] - MISSED).max() < 30 and np.abs(differences[25, 40] - ADDED).max() < 30
    assert differences[50, 70].min() > 240
    shares = 100 * np.array([separated(one).mean() for one in (a, b)])
    assert f"{shares[0]:.1f} % of the pixels are cell in A only" in pictures[2].alt
    assert f"{shares[1]:.1f} % in B only" in pictures[2].alt


def test_two_cells_that_the_other_has_as_one_are_divided_by_a_line():
    apart = squares(LEFT, RIGHT)
    together = np.minimum(apart, 1)
    differences = pixels_of(ShownLabels.of("x", apart, together).pictures()[2])
    assert np.abs(differences[25, 29:31].mean(axis=0) - ADDED).max() < 60
    assert np.ptp(differences[25, 15]) < 30  # grey: both have a cell there


def test_with_the_image_the_outlines_are_on_it_and_large_ones_are_shrunk():
    labels = np.kron(squares(LEFT), np.ones((20, 20), np.int32))
    image = np.full((*labels.shape, 3), 200, np.uint8)
    pictures = ShownLabels.of("x", labels, labels, image).pictures()
    assert [picture.title for picture in pictures] == ["image", "A", "B", "differences"]
    assert {(picture.width, picture.height) for picture in pictures} == {(420, 315)}
    assert "0.0 % of the pixels are cell in A only" in pictures[3].alt
