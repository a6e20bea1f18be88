"""Cell maps: cells found in probabilities alone, or by kind where there are classes."""

import numpy as np
import pytest

from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_settings import CellSettings
from minunet.cells.watershed import find_cells
from minunet.data.class_legend import ClassLegend
from tests.cells.drawn_cells import disc

LEGEND = ClassLegend(("background", "red", "white", "nucleus", "platelet"), (0, 1, 2, 2, 4))
SHAPE = (80, 120)


def maps(*discs):
    """Maps of discs (y, x, radius, class) on top of each other."""
    index = np.zeros(SHAPE, np.uint8)
    for *place, kind in discs:
        index[disc(SHAPE, *place)] = kind
    return CellMaps.of(np.where(index > 0, 0.9, 0.1), np.maximum(index, 1), LEGEND), index


def test_without_classes_the_cells_are_those_of_the_watershed():
    probability = np.where(disc(SHAPE, 30, 40, 12) | disc(SHAPE, 30, 60, 12), 0.9, 0.1)
    cells = CellMaps.of(probability).find(CellSettings())
    assert np.array_equal(cells.labels, find_cells(probability)) and cells.classes.tolist() == [0, 1, 1]
    assert CellMaps.of(probability).classes_above(0.5) is None


def test_small_cells_of_one_kind_are_kept_beside_large_ones_of_another():
    everything, index = maps((30, 40, 14, 1), (30, 66, 14, 1), (60, 20, 4, 4), (60, 100, 16, 2), (60, 100, 8, 3))
    cells = everything.find(CellSettings(smallest_area=0.3))
    assert cells.classes.tolist() == [0, 1, 1, 2, 4]
    assert np.array_equal(cells.labels == 3, (index == 2) | (index == 3))
    assert len(np.unique(find_cells(everything.probability, CellSettings(smallest_area=0.3)))) == 4  # no platelet


def test_cells_of_different_kinds_that_touch_are_apart():
    everything, index = maps((30, 40, 14, 1), (30, 57, 6, 4))
    assert everything.find(CellSettings()).classes.tolist() == [0, 1, 4]
    assert np.array_equal(everything.classes_above(0.5), index)


def test_a_separation_divides_the_cells_of_a_class():
    index = np.zeros(SHAPE, np.uint8)
    index[disc(SHAPE, 40, 60, 16)] = 1
    separation = np.minimum(np.abs(np.arange(SHAPE[1]) - 59.5) / 8, 1) * np.ones(
        (SHAPE[0], 1)
    )  # 0 down the middle of the disc
    settings = CellSettings(seed_height=0.1, learned=0.8)
    for found, count in ((None, 1), (separation, 2)):
        whole = CellMaps.of(np.where(index > 0, 0.9, 0.1), np.maximum(index, 1), LEGEND, found)
        assert whole.find(settings).classes.tolist() == [0] + count * [1]


@pytest.mark.parametrize("order", [(1, 4), (4, 1)])
def test_a_small_cell_that_another_one_surrounds_is_no_hole(order):
    """Small holes are filled; what is filled in one kind must not be counted in two."""
    around, inside = order
    index = np.zeros(SHAPE, np.uint8)
    index[disc(SHAPE, 40, 60, 30)], index[disc(SHAPE, 40, 60, 3)] = around, inside
    everything = CellMaps(np.where(index > 0, 0.9, 0.1), np.maximum(index, 1), LEGEND)
    cells = everything.find(CellSettings(smallest_area=0.0))
    assert sorted(cells.classes.tolist()) == [0, 1, 4]
    assert set(np.unique(cells.labels)) == {0, 1, 2}
    assert np.array_equal(cells.of_class(inside) > 0, index == inside)


def test_noise_of_many_kinds_is_numbered_without_gaps():
    rng = np.random.default_rng(0)
    everything = CellMaps.of(rng.random(SHAPE), rng.integers(1, 5, SHAPE).astype(np.uint8), LEGEND)
    cells = everything.find(CellSettings(smallest_area=0.0, seed_height=0.0, smoothing=0.0))
    assert np.array_equal(np.unique(cells.labels), np.arange(len(cells.classes)))
    kinds = np.asarray(LEGEND.outer)[everything.index]
    inside = everything.probability > 0.5
    found = cells.classes[cells.labels]
    assert np.all((found == kinds) | (found == 0) | ~inside)
