"""Nested classes: found by which class the border of another one is to."""

import numpy as np

from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.nested_classes import nested_classes
from minunet.data.reading.stored_mask import StoredMask
from tests.data.reading.class_masks import class_indices


def nested(index, members=None):
    levels = MaskLevels.of([MaskCounts.of(StoredMask(index))])
    return nested_classes(levels, np.arange(len(levels.values)) if members is None else np.array(members))


def test_only_what_is_surrounded_is_nested():
    assert nested(class_indices()) == {3: 2}


def test_cytoplasm_around_a_nucleus_of_many_lobes_is_not_in_it():
    index = np.zeros((40, 40), np.uint8)
    index[5:35, 5:35] = 1
    index[8:32:4, 8:32] = 2  # stripes: more border inside than the cell has outside
    assert nested(index) == {2: 1}


def test_a_nucleus_that_reaches_the_border_of_its_cell_is_nested():
    index = np.zeros((20, 20), np.uint8)
    index[5:15, 5:15] = 1
    index[5:9, 8:12] = 2  # one of its four sides is to the background
    assert nested(index) == {2: 1}


def test_cells_that_touch_are_not_nested():
    index = np.zeros((20, 40), np.uint8)
    index[5:15, 5:20], index[5:15, 20:35] = 1, 2
    assert nested(index) == {}


def test_values_of_one_class_have_no_border_between_them():
    assert nested(class_indices(), [0, 1, 2, 2, 3]) == {}
