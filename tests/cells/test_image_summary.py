import numpy as np
import pytest

from minunet.cells.cell_measures import measure_cells
from minunet.cells.count_interval import CountInterval
from minunet.cells.image_summary import IMAGE_COLUMNS, measure_image
from tests.cells.drawn_cells import disc


def labelled(shape, *discs):
    labels = np.zeros(shape, np.int32)
    for number, (y, x, radius) in enumerate(discs, start=1):
        labels[disc(shape, y, x, radius) & (labels == 0)] = number
    return labels


def row_of(labels, probability=None, **options):
    return measure_image("smear", labels, measure_cells(labels, probability), **options)


def test_counts_of_cells_at_the_edges():
    # One in each corner's way: top, left, bottom, right, and two inside that touch.
    labels = labelled((80, 100), (2, 50, 6), (40, 2, 6), (78, 50, 6), (40, 98, 6), (40, 45, 8), (40, 61, 8))
    row = row_of(labels, interval=CountInterval(0.5, 9))
    assert list(row) == list(IMAGE_COLUMNS)
    assert (row["cells"], row["cells_inside"], row["cells_in_frame"]) == (6, 2, 4)
    assert (row["cells_low"], row["cells_high"]) == (3, 9)
    assert row["clumps"] == 1
    assert row["covered_area"] == pytest.approx((labels > 0).mean())
    assert row["median_diameter_px"] == pytest.approx(16, rel=0.02)
    assert row["density_per_mm2"] is None


def test_the_frame_counts_each_cell_of_a_mosaic_once():
    rng = np.random.default_rng(4)
    slide = labelled((120, 150), *((*rng.uniform(5, 110, 2), 4) for _ in range(60)))
    slide[-1] = slide[:, -1] = 0
    total = len(np.unique(slide)) - 1
    counted = 0
    for top in range(0, 120, 40):
        for left in range(0, 150, 50):
            # The tiles share a row and a column, so that a cell is in the frame of the tile that holds its lower right end.
            tile = slide[top : top + 41, left : left + 51]
            counted += row_of(np.ascontiguousarray(tile))["cells_in_frame"]
    # A cell reaches at most two tiles in each direction; cells at a corner may be cut into parts that do not meet.
    assert counted == pytest.approx(total, abs=1)


def test_sizes_in_micrometres():
    labels = labelled((90, 100), (30, 30, 10), (30, 70, 12), (65, 40, 14))
    row = row_of(labels, pixel_size=0.5)
    diameters = [cell["equivalent_diameter_px"] for cell in measure_cells(labels)]
    assert row["size_cv"] == pytest.approx(np.std(diameters, ddof=1) / np.mean(diameters))
    assert row["median_diameter_um"] == pytest.approx(np.median(diameters) / 2)
    assert row["density_per_mm2"] == pytest.approx(3 / (90 * 100 * 0.25e-6))


def test_an_image_without_cells_and_one_cell_that_fills_it():
    empty = row_of(np.zeros((20, 30), np.int32), interval=CountInterval(0.1, 9), pixel_size=1.0)
    assert (empty["cells"], empty["clumps"], empty["covered_area"], empty["density_per_mm2"]) == (0, 0, 0, 0)
    assert (empty["cells_low"], empty["cells_high"]) == (0, 0)
    assert empty["median_diameter_px"] is empty["size_cv"] is None
    full = row_of(np.ones((20, 30), np.int32))
    assert (full["cells"], full["cells_inside"], full["cells_in_frame"], full["covered_area"]) == (1, 0, 0, 1)
    assert full["median_diameter_px"] is None


def test_doubtful_cells_and_notes():
    labels = labelled((40, 80), (20, 20, 8), (20, 60, 8))
    row = row_of(labels, np.where(labels == 1, 0.6, 0.95), notes=["One.", "Two."])
    assert row["doubtful_cells"] == 1
    assert row["notes"] == "One. Two."
