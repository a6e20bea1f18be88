import numpy as np

from minunet.data.mask_cells import MaskCells, cells_of_mask, connected_cells
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from tests.cells.drawn_cells import disc


def test_numbers_that_are_stored_are_kept():
    values = np.array([[0, 3, 3, 7, 7], [0, 3, 3, 7, 7]], np.uint16)
    cells = cells_of_mask(StoredMask(values), Preprocessing(reading=MaskReading("numbered cells")))
    assert cells.are_numbered
    assert cells.labels.tolist() == values.tolist()


def test_regions_of_a_mask_without_numbers_are_its_cells_at_its_own_size():
    values = np.where(disc((60, 90), 30, 25, 12) | disc((60, 90), 30, 51, 12), 255, 0).astype(np.uint8)
    cells = cells_of_mask(StoredMask(values), Preprocessing(size=(8, 8)))
    assert not cells.are_numbered
    assert cells.labels.shape == (60, 90)
    assert cells.labels.max() == 2
    assert ((cells.labels > 0) == (values > 0)).all()


def test_regions_that_touch_at_a_corner_are_two_and_specks_none():
    cell = np.zeros((40, 40), bool)
    cell[5:15, 5:15] = cell[15:25, 15:25] = cell[38, 1] = True
    labels = connected_cells(cell)
    assert labels.max() == 2
    assert labels[38, 1] == 0
    assert connected_cells(np.zeros((5, 5), bool)).max() == 0


def test_cells_in_ignored_pixels_are_not_scored():
    labels = np.array([[1, 1, 0, 2, 2, 2]], np.int32)
    ignored = np.array([[True, False, False, False, False, True]])
    truth, predicted = MaskCells(labels, True, ignored).scored(labels + 0)
    assert truth.tolist() == predicted.tolist() == [[0, 0, 0, 2, 2, 2]]
    same, _ = MaskCells(labels, True).scored(labels)
    assert same is labels


def test_numbers_of_cells_in_ignored_pixels_may_be_large():
    labels = np.array([[2_000_000_000, 2_000_000_000, 0, 2, 2, 2]], np.int32)
    ignored = np.array([[True, False, False, False, False, True]])
    truth, _ = MaskCells(labels, True, ignored).scored(labels)
    assert truth.tolist() == [[0, 0, 0, 2, 2, 2]]
