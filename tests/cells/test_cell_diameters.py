"""The diameters of true and of predicted cells."""

import numpy as np
import pytest

from minunet.cells.cell_diameters import CellDiameters, inside_diameters


def test_cells_at_any_edge_are_left_out():
    labels = np.zeros((9, 9), np.int64)
    labels[4, 4:6] = 10**12  # a number may be large
    labels[0, 4], labels[8, 4], labels[4, 0], labels[4, 8] = 2, 3, 4, 5
    assert inside_diameters(labels) == pytest.approx([np.sqrt(8 / np.pi)])


def test_an_image_without_background_or_without_cells():
    assert inside_diameters(np.ones((3, 3), int)).size == 0
    assert inside_diameters(np.zeros((3, 3), int)).size == 0
    assert inside_diameters(np.zeros((1, 1), int)).size == 0


def test_images_are_added():
    diameters = CellDiameters()
    assert diameters.medians() == {"true_median_diameter_px": None, "predicted_median_diameter_px": None}
    one, none = np.pad(np.ones((1, 1), int), 1), np.zeros((3, 3), int)
    diameters.add(one, none)
    diameters.add(2 * one, one)
    assert (len(diameters.true), len(diameters.predicted)) == (2, 1)
    assert diameters.medians()["true_median_diameter_px"] == pytest.approx(2 / np.sqrt(np.pi))
