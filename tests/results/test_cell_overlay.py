import numpy as np

from minunet.cells.cell_measures import measure_cells
from minunet.results.cell_overlay import cell_overlay
from minunet.results.overlay import CONTOUR, UNCERTAIN
from tests.cells.drawn_cells import disc


def drawn(confidence):
    labels = np.zeros((60, 90), np.int32)
    labels[disc(labels.shape, 30, 24, 18)] = 1
    labels[disc(labels.shape, 30, 62, 18)] = 2
    table = measure_cells(labels, np.where(labels == 1, 0.95, confidence))
    return np.asarray(cell_overlay(np.full(labels.shape, 120, np.uint8), labels, table)), labels


def test_outlines_are_green_and_orange_where_in_doubt():
    picture, labels = drawn(0.6)
    green, orange = ((picture == colour).all(axis=2) for colour in (CONTOUR, UNCERTAIN))
    assert set(labels[green]) == {1}
    assert set(labels[orange]) == {2}


def test_background_and_cells_are_not_tinted_however_unsure_the_network_is():
    picture, labels = drawn(0.5)
    assert (picture[labels == 0] == 120).all()
    untouched = (picture == 120).all(axis=2)
    assert untouched[labels == 2].mean() > 0.5


def test_numbers_are_in_their_cells():
    picture, labels = drawn(0.9)
    white = (picture > 200).all(axis=2)
    assert set(labels[white]) == {1, 2}


def test_without_cells_it_is_the_image():
    picture = np.asarray(cell_overlay(np.full((9, 9, 3), 7, np.uint8), np.zeros((9, 9), np.int32), []))
    assert (picture == 7).all()


def test_the_inside_of_cells_is_seen_in_a_wide_image():
    labels = np.zeros((60, 9000), np.int32)
    labels[disc(labels.shape, 30, 4000, 24)] = 1
    picture = np.asarray(
        cell_overlay(np.full(labels.shape, 120, np.uint8), labels, measure_cells(labels, np.ones(labels.shape)))
    )
    line = (picture == CONTOUR).all(axis=2)
    assert 0.2 < line[labels == 1].mean() < 0.5
