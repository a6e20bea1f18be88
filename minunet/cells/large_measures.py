"""Large measures: the rows of the table for the cells of an image that is too large for memory.

They are those of `minunet.cells.cell_measures.measure_cells`, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from minunet.cells.cell_measures import measure_pixels
from minunet.cells.cell_pixels import CellPixels
from minunet.cells.cell_stain import FEWEST, MARGIN, CellStain, near_cells
from minunet.cells.class_measures import measure_classes
from minunet.cells.image_summary import LabelledArea
from minunet.cells.large_cells import LargeCells
from minunet.cells.large_maps import LargeMaps
from minunet.cells.row_bands import bands_of
from minunet.cells.touching_cells import clumps_of, touching_cells
from minunet.data.class_cells import inner_areas_of
from minunet.data.reading.file_workers import ProgressCallback
from minunet.files.disk_array import DiskArray

OFTEN = 256  # cells between two reports of progress


def measure_large(
    cells: LargeCells, maps: LargeMaps, pixel_size: float | None, report: ProgressCallback
) -> tuple[list[dict[str, Any]], LabelledArea]:
    """Measure the cells of a large image.

    Parameters
    ----------
    cells : LargeCells
    maps : LargeMaps
    pixel_size : float or None
        The side of a pixel in micrometres.
    report : callable
        Called as `report(cells done, cells in all)`.

    Returns
    -------
    table : list of dict
        See `minunet.cells.cell_measures.Cells`.
    area : LabelledArea
    """
    clumps, area = _clumps_and_area(cells, maps.shape)
    background = median_of_parts(lambda: _outside(cells, maps))
    background = background if background and background > 0 else None
    pixels = _pixels(cells, maps, background, report)
    table = list(measure_pixels(pixels, clumps, maps.shape, pixel_size))
    if cells.classes is not None and maps.classes is not None:
        legend, above = maps.classes.legend, partial(maps.classes.above, maps.settings.threshold)
        bands = ((above(*band), cells.labels.crop(*band)) for band in bands_of(maps.shape))
        areas = inner_areas_of(bands, cells.classes, legend.outer)
        table = measure_classes(table, cells.classes, areas, legend, pixel_size)
    return table, area


def median_of_parts(parts: Callable[[], Iterable[np.ndarray]]) -> float | None:
    """The median of float32 numbers that come in parts, as `numpy.median` computes it; None of fewer than `FEWEST`.

    Parameters
    ----------
    parts : callable
        Returns the parts, any number of times.

    Notes
    -----
    The numbers are counted by the upper half of their bits, and then those of the middle also by the lower half.
    """
    upper = np.zeros(1 << 16, np.int64)
    for part in parts():
        upper += np.bincount(_ordered(part) >> 16, minlength=1 << 16)
    count = int(upper.sum())
    if count < FEWEST:
        return None
    ranks = sorted({(count - 1) // 2, count // 2})
    before = np.cumsum(upper)
    halves = [int(np.searchsorted(before, rank, side="right")) for rank in ranks]
    lower = {half: np.zeros(1 << 16, np.int64) for half in halves}
    for part in parts():
        keys = _ordered(part)
        for half, counts in lower.items():
            counts += np.bincount(keys[keys >> 16 == half] & 0xFFFF, minlength=1 << 16)
    middle = []
    for rank, half in zip(ranks, halves, strict=True):
        place = rank - (int(before[half]) - int(upper[half]))
        middle.append(half << 16 | int(np.searchsorted(np.cumsum(lower[half]), place, side="right")))
    keys = np.array(middle, np.uint32)
    negative = keys < 1 << 31
    values = np.where(negative, ~keys, keys ^ np.uint32(1 << 31)).view(np.float32)
    return float(np.median(values))


def _ordered(values: np.ndarray) -> np.ndarray:
    """The bits of float32 numbers as whole numbers in the same order: IEEE 754 has sign and size apart."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))


def _clumps_and_area(cells: LargeCells, shape: tuple[int, int]) -> tuple[dict[int, int], LabelledArea]:
    """The cells that touch, and what the labels say of the image."""
    pairs: set[tuple[int, int]] = set()
    cut: set[int] = set()
    covered = 0
    for top, bottom in bands_of(shape):
        rows = cells.labels.crop(max(0, top - 1), bottom)  # with the row above
        pairs |= touching_cells(rows)
        covered += int(np.count_nonzero(rows[min(top, 1) :]))
        edge = rows[:, -1] if bottom < shape[0] else np.concatenate([rows[:, -1], rows[-1]])
        cut |= {int(number) for number in np.unique(edge) if number}
    clumps = clumps_of(pairs)
    return clumps, LabelledArea(shape, covered, len(cut), len(set(clumps.values())))


def _outside(cells: LargeCells, maps: LargeMaps) -> Iterator[np.ndarray]:
    """The brightness of the pixels that are not near a cell."""
    for top, bottom in bands_of(maps.shape):
        first = max(0, top - MARGIN)
        near = near_cells(cells.labels.crop(first, bottom + MARGIN) > 0)[top - first : bottom - first]
        yield maps.brightness.crop(top, bottom)[~near]


def _pixels(
    cells: LargeCells, maps: LargeMaps, background: float | None, report: ProgressCallback
) -> Iterator[CellPixels]:
    """The pixels of each cell, in the order of their numbers."""
    everything = np.s_[:], np.s_[:]
    for number, box in enumerate(cells.boxes.tolist(), start=1):
        if cells.classes is not None:
            box = _own_box(cells.labels, number, box)
        top, _, left, _ = box
        yield CellPixels(
            number,
            top,
            left,
            cells.labels.crop(*box) == number,
            CellStain(maps.brightness.crop(*box), background).density(everything),
            maps.probability.crop(*box),
        )
        if number % OFTEN == 0 or number == len(cells.boxes):
            report(number, len(cells.boxes))


def _own_box(labels: DiskArray, number: int, box: list[int]) -> list[int]:
    """The box of a cell that may have lost pixels to cells of another kind; `box` is that of all that it had."""
    top, _, left, _ = box
    rows, columns = np.nonzero(labels.crop(*box) == number)
    return [top + int(rows.min()), top + int(rows.max()) + 1, left + int(columns.min()), left + int(columns.max()) + 1]
