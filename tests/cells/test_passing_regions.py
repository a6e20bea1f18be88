"""Connected regions of rows that pass: those of the whole mask, in the same order."""

import numpy as np
from scipy import ndimage

from minunet.cells.passing_regions import PassingRegions
from minunet.data.cell_size import mean_diameter
from minunet.data.mask_cells import speck_area


def test_the_regions_of_masks_whose_rows_pass():
    rng = np.random.default_rng(0)
    for _ in range(25):
        height, width = rng.integers(1, 40, 2)
        cell = rng.random((height, width)) < rng.choice([0, 0.3, 0.6, 0.9])
        passing, top = PassingRegions(width), 0
        while top < height:
            rows = int(rng.integers(1, 8))
            passing.add(cell[top : top + rows])
            top += rows
        table = passing.table()
        labels, count = ndimage.label(cell)
        np.testing.assert_array_equal(table.areas, np.bincount(labels.ravel(), minlength=count + 1)[1:])
        assert table.speck == speck_area(table.areas, mean_diameter(cell))
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels)):
            assert table.boxes[number].tolist() == [rows.start, rows.stop, columns.start, columns.stop]
            assert labels[tuple(table.pixels[number])] == number + 1
