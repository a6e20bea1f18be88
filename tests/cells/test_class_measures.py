"""Class measures: the class of a cell, its ratio of nucleus to cytoplasm, and the cells of each class."""

import numpy as np
import pytest

from minunet.cells.class_measures import class_counts, measure_classes
from minunet.data.class_cells import cells_by_class, inner_areas
from minunet.data.class_legend import ClassLegend
from minunet.data.components import label_components

LEGEND = ClassLegend(("background", "red", "white", "nucleus", "platelet"), (0, 1, 2, 2, 4))


def measured(index, pixel_size=None):
    cells = cells_by_class(index, LEGEND.outer, label_components)
    table = [{"id": number} for number in range(1, len(cells.classes))]
    return measure_classes(table, cells.classes, inner_areas(index, cells, LEGEND.outer), LEGEND, pixel_size)


def test_a_white_cell_has_the_ratio_of_its_areas_and_others_have_none():
    index = np.zeros((30, 30), np.uint8)
    index[2:6, 2:6] = 1
    index[10:20, 10:20], index[12:17, 12:16] = 2, 3  # 20 of 100 pixels are nucleus
    red, white = measured(index)
    assert red == {"id": 1, "class": "red", "inner_area_px2": None, "nucleus_to_cytoplasm_ratio": None}
    assert white == {"id": 2, "class": "white", "inner_area_px2": 20, "nucleus_to_cytoplasm_ratio": 0.25}
    assert measured(index, 0.5)[1]["inner_area_um2"] == 5 and measured(index, 0.5)[0]["inner_area_um2"] is None


def test_a_ratio_of_discs():
    rows, columns = np.ogrid[:200, :200]
    distance = np.hypot(rows - 100, columns - 100)
    (row,) = measured(np.where(distance < 45, 3, np.where(distance < 90, 2, 0)))
    assert row["nucleus_to_cytoplasm_ratio"] == pytest.approx(1 / 3, rel=0.01)


def test_a_nucleus_without_cytoplasm_has_no_ratio_and_a_cell_without_a_nucleus_has_zero():
    index = np.zeros((12, 12), np.uint8)
    index[1:4, 1:4], index[6:10, 6:10] = 3, 2
    alone, empty = measured(index)
    assert alone["inner_area_px2"] == 9 and alone["nucleus_to_cytoplasm_ratio"] is None
    assert empty["inner_area_px2"] == 0 and empty["nucleus_to_cytoplasm_ratio"] == 0


def test_counts_of_every_class_that_a_cell_can_have():
    index = np.zeros((12, 12), np.uint8)
    index[1:4, 1:4], index[6:10, 6:10] = 1, 1
    assert class_counts(measured(index), LEGEND) == {"count_red": 2, "count_white": 0, "count_platelet": 0}
