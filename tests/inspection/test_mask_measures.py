"""Cells of masks and their sizes, and the scores that a resized mask can reach."""

import numpy as np
import pytest

from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.inspection.mask_measures import diameters, measure_target, without_specks
from tests.cells.drawn_cells import disc


def squares(*corners, side=8, shape=(32, 64)):
    mask = np.zeros(shape, np.uint8)
    for number, (row, column) in enumerate(corners, start=1):
        mask[row : row + side, column : column + side] = number
    return mask


def measured(values, preprocessing):
    stored = StoredMask(values)
    labels = preprocessing.reading.labels(stored) if preprocessing.reading else None
    native = Preprocessing(reading=preprocessing.reading).target(stored)
    return measure_target(stored, native, labels, preprocessing)


def test_cells_are_separate_parts_unless_they_are_numbered():
    touching = squares((4, 4), (4, 12), (20, 40))
    parts = measured((touching > 0) * np.uint8(255), Preprocessing(size=(32, 16)))
    assert not parts.numbered
    assert list(parts.areas) == [128, 64]
    numbers = measured(touching, Preprocessing(size=(32, 16), reading=MaskReading(NUMBERED, ">0", numbered=True)))
    assert numbers.numbered
    assert list(numbers.areas) == [64, 64, 64]
    for one in (parts, numbers):
        assert one.scale == 0.5
        assert one.cell_share == 192 / (32 * 64)
        assert one.ignored_share == 0


def test_a_mask_on_the_grid_of_the_network_loses_nothing_and_a_thin_one_does():
    whole = measured((squares((4, 4), (16, 32)) > 0) * np.uint8(255), Preprocessing(size=(64, 32)))
    assert whole.returned.dice == 1
    assert whole.greys.loss_floor == 0
    assert whole.greys.keras_accuracy_ceiling == 1
    thin = np.zeros((32, 64), np.uint8)
    thin[10] = 255
    lost = measured(thin, Preprocessing(size=(16, 8)))
    assert lost.returned.dice == 0  # a quarter of a pixel is not cell
    assert lost.greys.keras_accuracy_ceiling == pytest.approx(1 - 1 / 8)  # one of eight rows is grey
    assert lost.greys.loss_floor == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / 8)


def test_specks_are_no_cells():
    areas = [np.array([400, 3, 420]), np.array([1, 1, 390]), np.array([], np.int64)]
    kept, specks = without_specks(areas, [22, 22, 0])
    assert [list(part) for part in kept] == [[400, 420], [390], []]
    assert specks == 3
    assert without_specks([np.array([], np.int64)], [0.0])[1] == 0


def test_a_cell_beside_a_large_clump_is_no_speck():
    """Ninety cells that touch in one clump: a single cell is less than a fiftieth of it."""
    cells = np.zeros((150, 330), bool)
    for row in range(6):
        for column in range(15):
            cells |= disc(cells.shape, 12 + 18 * row, 12 + 18 * column, 10)
    clump = int(cells.sum())
    cells |= disc(cells.shape, 135, 305, 10)
    alone = int(cells.sum()) - clump
    assert alone < 0.02 * clump
    cells[148, 10] = True
    measures = measured(cells * np.uint8(255), Preprocessing(size=(64, 32)))
    kept, specks = without_specks([measures.areas], [measures.diameter])
    assert sorted(kept[0]) == [alone, clump]
    assert specks == 1


def test_the_diameter_is_that_of_a_disc():
    assert diameters(np.array([np.pi * 25]))[0] == pytest.approx(10)
