"""Cells of classes: found by kind, a nucleus with its cytoplasm; parts of another kind within a cell; the areas inside."""

import numpy as np
import pytest

from minunet.data.class_cells import cells_by_class, inner_areas, without_fragments
from minunet.data.components import label_components

OUTER = [0, 1, 2, 2, 4]  # background, red, white, nucleus in white, platelet
RED, WHITE, NUCLEUS, PLATELET = 1, 2, 3, 4


def disc(index, row, column, radius, place):
    rows, columns = np.ogrid[: index.shape[0], : index.shape[1]]
    index[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = place


def slide():
    index = np.zeros((60, 80), np.uint8)
    disc(index, 20, 20, 12, WHITE)
    disc(index, 20, 18, 7, NUCLEUS)
    disc(index, 20, 40, 9, RED)  # touches the white cell
    disc(index, 32, 46, 4, PLATELET)  # touches the red one
    disc(index, 48, 60, 8, RED)
    return index


def test_cells_that_touch_and_are_of_different_kinds_are_apart():
    index = slide()
    assert label_components(index > 0).max() == 2
    cells = cells_by_class(index, OUTER, label_components)
    assert cells.classes.tolist() == [0, RED, RED, WHITE, PLATELET]
    assert np.array_equal(cells.labels > 0, index > 0)
    white = cells.labels == 3
    assert np.array_equal(white, (index == WHITE) | (index == NUCLEUS))
    assert np.array_equal(cells.of_class(RED) > 0, index == RED) and cells.labels.dtype == np.int32


def test_a_nucleus_alone_is_a_white_cell_too():
    index = np.zeros((20, 20), np.uint8)
    disc(index, 10, 10, 5, NUCLEUS)
    assert cells_by_class(index, OUTER, label_components).classes.tolist() == [0, WHITE]


def test_an_image_without_cells_and_ignored_pixels():
    empty = cells_by_class(np.full((4, 5), -1), OUTER, label_components)
    assert empty.classes.tolist() == [0] and not empty.labels.any()
    assert without_fragments(np.zeros((4, 5), np.uint8), OUTER).shape == (4, 5)


def test_the_areas_of_nucleus_and_cytoplasm():
    index = slide()
    cells = cells_by_class(index, OUTER, label_components)
    assert inner_areas(index, cells, OUTER) == {
        3: (np.count_nonzero(index == NUCLEUS), np.count_nonzero(index == WHITE))
    }
    assert inner_areas(index, cells, [0, 1, 2, 3, 4]) == {}


def test_a_part_of_another_kind_within_a_cell_joins_it():
    index = slide()
    spotted = index.copy()
    disc(spotted, 48, 62, 3, WHITE)  # a spot inside a red cell
    spotted[41:48, 60] = PLATELET  # and a line from its border
    cleaned = without_fragments(spotted, OUTER)
    assert np.array_equal(cleaned, index)
    assert cells_by_class(cleaned, OUTER, label_components).classes.tolist() == [0, RED, RED, WHITE, PLATELET]


def test_a_thin_rim_of_another_kind_joins_the_cell_and_not_the_other_way_round():
    index = np.zeros((60, 60), np.uint8)
    disc(index, 30, 30, 20, RED)
    disc(index, 30, 30, 18, WHITE)
    assert set(np.unique(without_fragments(index, OUTER))) == {0, WHITE}


def test_a_part_of_a_rim_along_a_cell_joins_it():
    index = np.zeros((60, 60), np.uint8)
    disc(index, 30, 30, 20, WHITE)
    rim = index.copy()
    disc(rim, 30, 30, 18, 0)
    index[(rim > 0) & (np.arange(60)[:, None] < 20)] = PLATELET
    assert set(np.unique(without_fragments(index, OUTER))) == {0, WHITE}


def test_cells_that_touch_stay():
    assert np.array_equal(without_fragments(slide(), OUTER), slide())


@pytest.mark.parametrize("seed", range(3))
def test_nothing_becomes_background_and_background_becomes_nothing(seed):
    index = np.random.default_rng(seed).integers(0, 5, (30, 40)).astype(np.uint8)
    cleaned = without_fragments(index, OUTER)
    assert np.array_equal(cleaned > 0, index > 0) and cleaned.dtype == index.dtype
