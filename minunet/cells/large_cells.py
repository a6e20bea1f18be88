"""Large cells: the cells of an image that is too large for memory, found region by region.

They are those of `minunet.cells.watershed.find_cells`, which looks at each connected region by itself, too, after what is common to
all regions (the typical radius and area) was measured in all of them. A region that is itself too large for memory, such as a film
without a gap between its cells, is cut in windows that overlap, see `minunet.cells.region_windows`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minunet.cell_packages import require
from minunet.cells.cell_pieces import CellPieces
from minunet.cells.large_maps import KindMaps, LargeMaps
from minunet.cells.passing_regions import RegionTable
from minunet.cells.region_windows import OTHERS, RegionWindows
from minunet.cells.row_bands import bands_of
from minunet.cells.watershed import background_distance, cut_region, merge_pieces, typical_radius
from minunet.data.mask_cells import typical_area
from minunet.data.reading.file_workers import ProgressCallback
from minunet.files.disk_array import DiskArray

MOST_BOX = 1 << 23  # pixels of the box of a region that is looked at as a whole: half a gigabyte
OFTEN = 64  # regions between two reports of progress


@dataclass(frozen=True, eq=False)
class LargeCells:
    """The cells of a large image.

    Attributes
    ----------
    labels : DiskArray
        (H, W) int32, the number of the cell of each pixel, 0 where there is none.
    boxes : ndarray, (cells, 4) int64
        Top, bottom, left and right of each cell.
    windows : bool
        Whether a region was so large that it was cut in windows: cells are then numbered in another order than those of
        `find_cells`, and single ones may differ where windows meet.
    classes : ndarray of int, (cells + 1,), or None
        As of `minunet.data.class_cells.ClassCells`; None without classes.
    """

    labels: DiskArray
    boxes: np.ndarray
    windows: bool
    classes: np.ndarray | None = None


def find_large_cells(maps: LargeMaps, report: ProgressCallback) -> LargeCells:
    """The cells of a large image.

    Parameters
    ----------
    maps : LargeMaps
    report : callable
        Called as `report(parts done, parts in all)`; with classes once from the beginning for each kind of cells.
    """
    return _find(maps, report) if maps.classes is None else _find_kinds(maps, report)


def _find_kinds(maps: LargeMaps, report: ProgressCallback) -> LargeCells:
    """The cells of an image with classes, as `minunet.cells.cell_maps.CutKinds.class_cells` numbers them."""
    labels, classes, boxes, windows = maps.new_labels(), [0], [np.zeros((0, 4), np.int64)], False
    for kind, of_kind in maps.kinds().items():
        found = _find(of_kind, report)
        for top, bottom in bands_of(maps.shape):
            numbers = found.labels.crop(top, bottom)
            others = maps.is_cell(top, bottom) & ~of_kind.is_cell(top, bottom)
            numbers[others] = 0  # a small cell of another kind is no hole to be filled
            labels.put(numbers + np.int32(len(classes) - 1), top, where=numbers > 0)
        found.labels.close()
        classes += [kind] * len(found.boxes)
        boxes.append(found.boxes)
        windows |= found.windows
    return LargeCells(labels, np.concatenate(boxes), windows, np.array(classes))


def _find(maps: LargeMaps | KindMaps, report: ProgressCallback) -> LargeCells:
    """The cells in the regions of these maps, whatever their class."""
    table, settings = maps.regions(), maps.settings
    seen = np.flatnonzero(table.areas >= table.speck)
    sizes = (table.boxes[:, 1] - table.boxes[:, 0]) * (table.boxes[:, 3] - table.boxes[:, 2])
    whole, wide = seen[sizes[seen] <= MOST_BOX], seen[sizes[seen] > MOST_BOX]
    labels, pieces = maps.new_labels(), CellPieces()
    windows = RegionWindows(maps, labels, table.speck, table.boxes[wide])
    step = _Steps(report, 2 * (len(whole) + len(windows)))
    largest = []
    for number in whole:
        top, left, region = _region(maps, table, number)
        largest.append(float(background_distance(region, table.speck).max()))
        if len(wide):  # what is left is then theirs
            labels.put(np.full(region.shape, OTHERS, np.int32), top, left, region)
        step()
    if len(wide):
        largest += [windows.largest_distance(step)] * len(wide)
    radius = typical_radius(largest)
    for number in whole:
        top, left, region = _region(maps, table, number)
        height, width = region.shape
        separation = maps.separation_in(top, top + height, left, left + width)
        distance = background_distance(region, table.speck)
        cut = cut_region(top, left, distance, separation, settings, radius)
        pieces.add(merge_pieces(cut, settings.seed_height * radius), labels)
        step()
    windows.cut(pieces, radius, step)
    areas = np.concatenate([np.zeros(0, np.int64), *pieces.areas])
    smallest = settings.smallest_area * typical_area(areas[areas > 0])
    kept = (areas > 0) & (areas >= smallest)
    numbers = np.zeros(len(kept) + 1, np.int32)
    numbers[1:][kept] = 1 + np.arange(np.count_nonzero(kept))
    for top, bottom in bands_of(maps.shape):
        labels.put(numbers[labels.crop(top, bottom)], top)
    return LargeCells(labels, np.concatenate([np.zeros((0, 4), np.int64), *pieces.boxes])[kept], bool(len(wide)))


def _region(maps: LargeMaps | KindMaps, table: RegionTable, number: int) -> tuple[int, int, np.ndarray]:
    """Top, left, and the pixels (h, w) bool of a region, with one more row and column on each side, where the image has them."""
    top, bottom, left, right = (int(value) for value in table.boxes[number])
    top, left = max(0, top - 1), max(0, left - 1)
    regions, _ = require("scipy.ndimage").label(maps.is_cell(top, bottom + 1, left, right + 1))
    row, column = table.pixels[number]
    return top, left, regions == regions[row - top, column - left]


class _Steps:
    """Counts parts, and reports some of them."""

    def __init__(self, report: Callable[[int, int], object], total: int):
        self._report, self._total, self._done = report, total, 0

    def __call__(self) -> None:
        self._done += 1
        if self._done % OFTEN == 0 or self._done == self._total:
            self._report(self._done, self._total)
