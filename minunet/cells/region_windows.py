"""Region windows: regions that are too large for memory, cut in windows that overlap by several cells.

Each window is cut as a region of its own. Of its pieces those count whose centre lies in the core of the window, and the cores
cover the image without overlap, so that each cell is taken once, and whole. Away from the border of a window its pieces are
nearly those of the whole region, as long as cells are smaller than the margin around the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minunet.cell_packages import require
from minunet.cells.cell_pieces import CellPieces
from minunet.cells.large_maps import KindMaps, LargeMaps
from minunet.cells.watershed import CutRegion, background_distance, cut_region, merge_pieces
from minunet.files.disk_array import DiskArray

CORE, MARGIN_OF_CORE = 2048, 512  # pixels
OTHERS = -1  # the label of pixels of other regions, until these have labels


class RegionWindows:
    """The windows of the regions that are too large.

    Parameters
    ----------
    maps : LargeMaps or KindMaps
    labels : DiskArray
        Those of all other regions are written before the windows are cut.
    speck : float
        Regions of a smaller area are noise.
    boxes : ndarray, (N, 4)
        Of the regions: top, bottom, left and right.
    """

    def __init__(self, maps: LargeMaps | KindMaps, labels: DiskArray, speck: float, boxes: np.ndarray):
        self._maps, self._labels, self._speck = maps, labels, speck
        self._cores = [
            (top, left)
            for top in range(0, maps.shape[0], CORE)
            for left in range(0, maps.shape[1], CORE)
            if any(top < b[1] and b[0] < top + CORE and left < b[3] and b[2] < left + CORE for b in boxes)
        ]
        self._first = 0  # the number of pieces that belong to other regions

    def __len__(self) -> int:
        return len(self._cores)

    def largest_distance(self, step: Callable[[], None]) -> float:
        """The largest distance of a pixel of these regions to the background."""
        largest = 0.0
        for core in self._cores:
            for top, left, region in self._regions(core):
                distance = background_distance(region, self._speck)
                inner = distance[_in_core(core, top, left, region.shape)]
                largest = max(largest, float(inner.max(initial=0)))
            step()
        return largest

    def cut(self, pieces: CellPieces, radius: float, step: Callable[[], None]) -> None:
        """Cut the windows, and add their pieces."""
        self._first = pieces.count
        settings = self._maps.settings
        for core in self._cores:
            for top, left, region in self._regions(core):
                height, width = region.shape
                separation = self._maps.separation_in(top, top + height, left, left + width)
                distance = background_distance(region, self._speck)
                cut = cut_region(top, left, distance, separation, settings, radius)
                merged = merge_pieces(cut, settings.seed_height * radius)
                free = self._labels.crop(top, top + height, left, left + width) == 0
                pieces.add(merged, self._labels, free & _centred(merged, core)[merged.pieces])
            step()

    def _regions(self, core: tuple[int, int]) -> Iterator[tuple[int, int, np.ndarray]]:
        """Top, left, and the pixels (h, w) of each region in a window, if it reaches into the core."""
        ndimage = require("scipy.ndimage")
        first_row, first_column = (max(0, start - MARGIN_OF_CORE) for start in core)
        window = first_row, core[0] + CORE + MARGIN_OF_CORE, first_column, core[1] + CORE + MARGIN_OF_CORE
        labels = self._labels.crop(*window)
        numbers, count = ndimage.label(self._maps.is_cell(*window) & ((labels == 0) | (labels > self._first)))
        areas = np.bincount(numbers.ravel(), minlength=count + 1)
        for number, (rows, columns) in enumerate(ndimage.find_objects(numbers), start=1):
            top, left = max(0, rows.start - 1), max(0, columns.start - 1)
            region = numbers[top : rows.stop + 1, left : columns.stop + 1] == number
            place = first_row + top, first_column + left
            if areas[number] >= self._speck and region[_in_core(core, *place, region.shape)].any():
                yield *place, region


def _in_core(core: tuple[int, int], top: int, left: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of a box that lies in a core."""
    rows, columns = (
        slice(max(0, start - place), max(0, min(length, start + CORE - place)))
        for start, place, length in zip(core, (top, left), shape, strict=True)
    )
    return rows, columns


def _centred(region: CutRegion, core: tuple[int, int]) -> np.ndarray:
    """Which pieces have their centre in a core, (pieces + 1,) bool; False for what is in none."""
    number = len(region.areas) + 1
    flat = region.pieces.ravel()
    counts = np.maximum(np.bincount(flat, minlength=number), 1)
    height, width = region.pieces.shape
    inside = np.ones(number, bool)
    for start, place, position in (
        (core[0], region.top, np.repeat(np.arange(height), width)),
        (core[1], region.left, np.tile(np.arange(width), height)),
    ):
        centre = place + np.bincount(flat, position, minlength=number) / counts
        inside &= (start <= centre) & (centre < start + CORE)
    inside[0] = False
    return inside
