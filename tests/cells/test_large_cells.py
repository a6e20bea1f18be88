"""The cells of a large image: those of the whole image, to the last pixel and the last digit; in windows nearly so."""

import numpy as np
import pytest

from minunet.cells import large_cells, region_windows, row_bands
from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_settings import SEPARATED, CellSettings
from minunet.cells.found_cells import find_and_measure
from minunet.cells.image_summary import LabelledArea
from minunet.cells.large_cells import find_large_cells
from minunet.cells.large_maps import LargeMaps
from minunet.cells.large_measures import measure_large, median_of_parts
from minunet.data.class_legend import ClassLegend

LEGEND = ClassLegend(("background", "red", "white", "nucleus", "platelet"), (0, 1, 2, 2, 4))


def film(discs=45, height=230, width=270):
    """An image, a probability and a separation: discs of several sizes, some of which touch, with noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    depth = np.zeros((height, width))
    for _ in range(discs):
        radius = rng.uniform(8, 13)
        distance = np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width))
        depth = np.maximum(depth, 1 - distance / radius)
    probability = np.clip(0.5 + 2 * (depth - 0.1) * (depth > 0) + rng.normal(0, 0.02, depth.shape), 0, 1)
    probability = np.where(depth > 0, probability, rng.uniform(0, 0.502, depth.shape)).astype(np.float32)
    image = np.clip(220 - 90 * (depth > 0) + rng.normal(0, 5, (3, *depth.shape)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(image, 0, -1)), probability, np.clip(depth, 0, 1).astype(np.float32)


def classes_of(probability):
    """The most probable class but the background, with nuclei, platelets, and spots and rims of a wrong class."""
    rng = np.random.default_rng(1)
    height, width = probability.shape
    index = np.ones((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    for _ in range(60):
        place = np.hypot(y - rng.uniform(0, height), x - rng.uniform(0, width)) < rng.uniform(1, 12)
        index[place] = rng.integers(1, 5)
    spots = rng.random(index.shape) < 0.01
    index[spots] = rng.integers(1, 5, np.count_nonzero(spots))
    return index


def found_in_rows(tmp_path, image, probability, separation, settings, rows=37, classes=None):
    """The labels, the table and the area of cells that are found on disk."""
    with LargeMaps(tmp_path, probability.shape, settings, None if classes is None else LEGEND) as maps:
        for top in range(0, len(image), rows):
            part = slice(top, top + rows)
            maps.add(
                image[part],
                probability[part],
                None if separation is None else separation[part],
                None if classes is None else classes[part],
            )
        parts = []
        cells = find_large_cells(maps, lambda done, total: parts.append((done, total)))
        table, area = measure_large(cells, maps, 0.1, lambda done, total: None)
        assert parts[-1][0] == parts[-1][1] > 0
        return cells.labels.crop(0, len(image)), table, area, cells.windows


@pytest.mark.parametrize(
    ("settings", "separated"), [(CellSettings(), False), (SEPARATED, True), (CellSettings(), True)]
)
def test_they_are_those_of_the_whole_image(settings, separated, tmp_path, monkeypatch):
    monkeypatch.setattr(row_bands, "BAND_PIXELS", 270 * 50)
    image, probability, separation = film()
    expected = find_and_measure(
        CellMaps(probability, separation=separation if separated else None), image, settings, 0.1
    )
    labels, table, area, windows = found_in_rows(
        tmp_path, image, probability, separation if separated else None, settings
    )
    assert len(table) > 20
    np.testing.assert_array_equal(labels, expected.labels)
    assert table == expected.table
    assert area == LabelledArea.of(expected.labels)
    assert not windows


@pytest.mark.parametrize(("threshold", "rows"), [(0.4, 37), (0.5, 1), (0.7, 230)])
def test_cells_of_classes_are_those_of_the_whole_image(threshold, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(row_bands, "BAND_PIXELS", 270 * 50)
    image, probability, separation = film(90)
    probability[separation == 0] *= 0.7  # without specks, which take long
    classes, settings = classes_of(probability), CellSettings(threshold=threshold, learned=0.5)
    maps = CellMaps.of(probability, classes, LEGEND, separation)
    assert np.any(
        maps.classes_above(0.5) != np.where(probability > 0.5, classes, 0)
    )  # some parts of cells were cleaned up
    expected = find_and_measure(maps, image, settings, 0.1)
    labels, table, area, windows = found_in_rows(tmp_path, image, probability, separation, settings, rows, classes)
    np.testing.assert_array_equal(labels, expected.labels)
    assert table == expected.table and not windows
    assert area == LabelledArea.of(expected.labels)
    assert len({row["class"] for row in table}) == 3
    assert any(row["inner_area_px2"] for row in table)


def test_a_region_that_is_too_large_is_cut_in_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(large_cells, "MOST_BOX", 40 * 40)
    monkeypatch.setattr(region_windows, "CORE", 96)
    monkeypatch.setattr(region_windows, "MARGIN_OF_CORE", 96)
    image, probability, separation = film(130)
    expected = find_and_measure(CellMaps(probability, separation=separation), image, SEPARATED, 0.1)
    assert len(expected.table) > 60
    labels, table, _, windows = found_in_rows(tmp_path, image, probability, separation, SEPARATED)
    assert windows
    assert len(table) == len(expected.table)
    same = [
        np.count_nonzero((labels == np.bincount(labels[cell]).argmax()) & cell) / np.count_nonzero(cell)
        for cell in (expected.labels == row["id"] for row in expected.table)
    ]
    assert np.mean(np.array(same) > 0.99) > 0.95
    assert ((labels > 0) == (expected.labels > 0)).mean() > 0.99


def test_nothing_is_found_in_an_empty_image(tmp_path):
    image = np.full((20, 30), 200, np.uint8)
    with LargeMaps(tmp_path, (20, 30), CellSettings()) as maps:
        maps.add(image, np.zeros((20, 30), np.float32), None)
        cells = find_large_cells(maps, lambda done, total: None)
        assert measure_large(cells, maps, None, lambda done, total: None) == ([], LabelledArea((20, 30), 0, 0, 0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [50, 51, 200])
def test_the_median_of_parts(count):
    rng = np.random.default_rng(count)
    for values in (rng.normal(size=count), rng.integers(0, 4, count), -rng.random(count)):
        numbers = values.astype(np.float32)
        assert median_of_parts(lambda numbers=numbers: np.array_split(numbers, 7)) == float(np.median(numbers))
    assert median_of_parts(lambda: [np.ones(49, np.float32)]) is None
