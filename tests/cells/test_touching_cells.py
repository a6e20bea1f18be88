import numpy as np
from scipy import ndimage

from minunet.cells.touching_cells import clumps_of, in_clumps, touching_cells
from tests.cells.drawn_cells import random_labels


def test_neighbours_are_found_in_all_directions_and_not_from_row_to_row():
    labels = np.zeros((6, 7), np.int32)
    labels[0, 6], labels[1, 0] = 1, 2  # the end of a row and the beginning of the next one
    labels[3, 3], labels[4, 4], labels[4, 2], labels[5, 2] = 3, 4, 5, 6
    assert touching_cells(labels) == {(3, 4), (3, 5), (5, 6)}
    assert in_clumps(labels) == {3: 3, 4: 3, 5: 3, 6: 3}


def test_clumps_are_the_connected_regions_of_several_cells():
    labels = random_labels(np.random.default_rng(3), (60, 80), 30)
    regions, count = ndimage.label(labels > 0, np.ones((3, 3)))
    cells_of = [set(np.unique(labels[regions == region]).tolist()) for region in range(1, count + 1)]
    expected = {frozenset(cells) for cells in cells_of if len(cells) > 1}
    found = in_clumps(labels)
    assert {frozenset(cell for cell in found if found[cell] == clump) for clump in set(found.values())} == expected


def test_clumps_grow_together_in_any_order():
    assert set(clumps_of([(5, 9), (2, 9), (7, 8), (3, 5)]).items()) == {(2, 2), (3, 2), (5, 2), (9, 2), (7, 7), (8, 7)}
