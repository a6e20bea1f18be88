"""How the settings of cells are chosen."""

from dataclasses import replace

import numpy as np
import pytest

from minunet.cells import settings_search
from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_settings import CellSettings
from minunet.cells.settings_search import choose_cells
from minunet.data.mask_cells import MaskCells
from tests.cells.drawn_cells import disc


def images(peak=0.9):
    """Two overlapping discs with a shallow waist, and specks of a fourth of their radius that are no cells."""
    shape = (64, 96)
    for shift in (0, 3, 6):
        truth = np.zeros(shape, np.int32)
        truth[disc(shape, 30, 30 + shift, 16)] = 1
        truth[disc(shape, 30, 52 + shift, 16) & (truth == 0)] = 2
        speck = disc(shape, 8, 84, 4)
        yield CellMaps(np.where((truth > 0) | speck, peak, 0.1)), MaskCells(truth, True)


def test_settings_are_chosen_that_find_the_cells():
    poor = CellSettings(seed_height=0.9, smallest_area=0.0)
    choice = choose_cells(images, poor)
    assert choice.validation["cell_f1"] == 1
    assert choice.validation["images"] == 3
    assert choice.validation["count_error"] == 0
    assert choice.interval is None  # three images are too few
    assert all(maps.find(choice.settings).labels.max() == 2 for maps, _ in images())
    for maps, truth in images():
        labels = maps.find(poor).labels
        assert len(np.unique(labels[truth.labels > 0])) == 1


def test_the_share_of_what_was_learned_is_chosen():
    """The probability shows one round cell, and only the separation two; and the other way round."""
    rows, columns = np.ogrid[:40, :40]
    disc = (rows - 20) ** 2 + (columns - 20) ** 2 <= 15**2
    halves = MaskCells((disc * np.where(columns < 20, 1, 2)).astype(np.int32), True)
    separation = np.abs(columns - 19.5).astype(np.float32) / 20 * np.ones((40, 1), np.float32)
    start = CellSettings(learned=0.5, seed_height=0.02)

    def split():
        yield CellMaps(disc * np.float32(0.9), separation=separation), halves

    choice = choose_cells(split, start)
    assert choice.validation["cell_f1"] == 1
    assert choice.settings.learned > 0

    def whole():
        yield CellMaps(disc * np.float32(0.9), separation=separation), MaskCells(disc.astype(np.int32), True)

    choice = choose_cells(whole, CellSettings(learned=1.0, seed_height=0.02))
    assert choice.validation["cell_f1"] == 1
    assert choice.settings.learned < 1 or choice.settings.seed_height > 0.02


def test_the_threshold_is_chosen():
    assert choose_cells(lambda: images(0.45)).settings.threshold == 0.4


def test_settings_that_are_as_good_stay():
    start = CellSettings(0.5, 0.05, 0.1, 0.15)
    assert choose_cells(images, start).settings == start


def test_without_cells_there_is_nothing_to_choose():
    assert (
        choose_cells(lambda: iter([(CellMaps(np.zeros((9, 9))), MaskCells(np.zeros((9, 9), np.int32), False))])) is None
    )


@pytest.mark.parametrize("start", [CellSettings(), CellSettings(learned=0.5)])
def test_the_regions_of_a_threshold_are_found_once_a_step(monkeypatch, start):
    found, of_maps, steps = [], CellMaps.regions, []
    monkeypatch.setattr(CellMaps, "regions", lambda maps, at: found.append((len(steps), maps, at)) or of_maps(maps, at))

    def source():
        steps.append(1)
        return ((replace(maps, separation=maps.probability), truth) for maps, truth in images())

    choose_cells(source, start)
    assert {at for _, _, at in found} == {0.4, 0.5, 0.6}
    assert len(found) == len({(step, id(maps), at) for step, maps, at in found}) == 3 * (len(steps) + 1)


def test_no_settings_are_tried_twice(monkeypatch):
    tried, once = [], settings_search._try
    monkeypatch.setattr(
        settings_search, "_try", lambda images, settings: tried.extend(settings) or once(images, settings)
    )
    choose_cells(images)
    assert len(tried) == len(set(tried)) > 18
