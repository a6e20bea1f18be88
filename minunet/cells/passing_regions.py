"""Passing regions: the connected regions of cell pixels of an image whose rows pass from top to bottom.

Of each region its box, its area and one of its pixels are kept, and of the image the numbers of pixels and of runs, so that specks
are told as in an image that is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minunet.cell_packages import require
from minunet.data.cell_size import diameter_of_runs
from minunet.data.mask_cells import speck_area


@dataclass(frozen=True)
class RegionTable:
    """The regions of an image, in the order of their first pixels, row by row.

    Attributes
    ----------
    areas : ndarray, (N,) int64
    boxes : ndarray, (N, 4) int64
        Top, bottom, left and right; bottom and right are the first row and column that are not in the region.
    pixels : ndarray, (N, 2) int64
        Row and column of the first pixel.
    speck : float
        Regions of a smaller area are noise.
    of_part : ndarray, (parts,) int64
        The place here of each part that `PassingRegions.add` has numbered.
    """

    areas: np.ndarray
    boxes: np.ndarray
    pixels: np.ndarray
    speck: float
    of_part: np.ndarray


@dataclass
class PassingRegions:
    """The regions of the rows that have passed; neighbours are up, down, left and right.

    Parameters
    ----------
    width : int
        Of the image.
    """

    width: int
    _rows: int = 0
    _area: int = 0
    _runs: int = 0
    _above: np.ndarray | None = None  # the numbers of the regions in the last row, -1 for none
    _parts: list[np.ndarray] = field(
        default_factory=list
    )  # (n, 6): area, top, bottom, left, right, place of the first pixel
    _joins: list[np.ndarray] = field(default_factory=list)  # (n, 2): numbers of parts of one region
    _count: int = 0

    def add(self, cell: np.ndarray) -> np.ndarray:
        """Add the next rows of the mask, (h, W) bool; returns the number of the part of a region at each pixel, -1 for none."""
        ndimage = require("scipy.ndimage")
        self._count_runs(cell)
        labels, count = ndimage.label(cell)
        if count:
            flat = labels.ravel()
            (places,) = np.nonzero(flat)
            first = np.full(count + 1, cell.size, np.int64)
            np.minimum.at(first, flat[places], places)
            boxes = [(box[0].start, box[0].stop, box[1].start, box[1].stop) for box in ndimage.find_objects(labels)]
            part = np.empty((count, 6), np.int64)
            part[:, 0] = np.bincount(flat, minlength=count + 1)[1:]
            part[:, 1:5] = boxes
            part[:, 1:3] += self._rows
            part[:, 5] = first[1:] + self._rows * self.width
            self._parts.append(part)
        numbers = np.where(labels > 0, labels + (self._count - 1), -1)
        if self._above is not None:
            joined = (self._above >= 0) & (numbers[0] >= 0)
            self._joins.append(np.unique(np.stack([self._above[joined], numbers[0][joined]], axis=1), axis=0))
        self._above = numbers[-1].copy()
        self._count += count
        self._rows += len(cell)
        return numbers

    def table(self) -> RegionTable:
        """The regions, once all rows have passed."""
        parts = np.concatenate([np.empty((0, 6), np.int64), *self._parts])
        joins = np.concatenate([np.empty((0, 2), np.int64), *self._joins])
        sparse = require("scipy.sparse")
        links = sparse.coo_matrix((np.ones(len(joins), np.int8), (joins[:, 0], joins[:, 1])), (len(parts), len(parts)))
        count, region = require("scipy.sparse.csgraph").connected_components(links, directed=False)
        merged = np.empty((count, 6), np.int64)
        merged[:, 0] = np.bincount(region, parts[:, 0], minlength=count)
        for column, ufunc, start in (
            (1, np.minimum, 2**62),
            (2, np.maximum, 0),
            (3, np.minimum, 2**62),
            (4, np.maximum, 0),
            (5, np.minimum, 2**62),
        ):
            merged[:, column] = start
            ufunc.at(merged[:, column], region, parts[:, column])
        order = np.argsort(merged[:, 5])
        merged = merged[order]
        places = np.empty(count, np.int64)
        places[order] = np.arange(count)
        areas = merged[:, 0]
        speck = speck_area(areas, diameter_of_runs(self._area, self._runs))
        pixels = np.stack([merged[:, 5] // self.width, merged[:, 5] % self.width], axis=1)
        return RegionTable(areas, merged[:, 1:5], pixels, speck, places[region])

    def _count_runs(self, cell: np.ndarray) -> None:
        """The pixels of the rows, and where runs of them begin in rows and columns."""
        self._area += int(np.count_nonzero(cell))
        self._runs += int(np.count_nonzero(cell[:, 1:] & ~cell[:, :-1])) + int(np.count_nonzero(cell[:, 0]))
        self._runs += int(np.count_nonzero(cell[1:] & ~cell[:-1]))
        first = cell[0] if self._above is None else cell[0] & (self._above < 0)
        self._runs += int(np.count_nonzero(first))
