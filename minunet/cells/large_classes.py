"""Large classes: the classes of the pixels of an image that is too large for memory, on disk, with the regions of each kind.

They are those of `minunet.cells.cell_maps.CellMaps`: parts of cells that the network took for another kind have the class of the
cell around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minunet.cells.passing_regions import PassingRegions, RegionTable
from minunet.cells.row_bands import bands_of
from minunet.data.class_cells import classes_of_regions
from minunet.data.class_legend import ClassLegend
from minunet.files.disk_array import DiskArray

SEEN = 0.5  # the probability above which a pixel counts as cell where parts of cells are given another class


class LargeClasses:
    """The classes of the pixels, whose rows are added from top to bottom.

    Parameters
    ----------
    shape : (H, W)
        Of the image.
    legend : ClassLegend
    probability : DiskArray
        (H, W) float32, that a pixel belongs to a cell; rows are added to it first.
    new_array : callable
        Returns a new `DiskArray` (H, W) of a dtype.

    Attributes
    ----------
    legend : ClassLegend
    index : DiskArray
        (H, W) uint8, the most probable class of each pixel if it is cell; the right one after `clean`.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        legend: ClassLegend,
        probability: DiskArray,
        new_array: Callable[[type], DiskArray],
    ):
        self._shape, self.legend, self._probability = shape, legend, probability
        self.index, self._parts = new_array(np.uint8), new_array(np.int32)
        self._outer = np.asarray(legend.outer)
        self._seen = {kind: PassingRegions(shape[1]) for kind in legend.kinds}

    def add(self, probability: np.ndarray, foreground_class: np.ndarray) -> None:
        """The next rows, (h, W) each; see `minunet.inference.predicted_maps.PredictedMaps`."""
        kinds = np.where(probability > SEEN, self._outer[foreground_class], 0)
        parts = np.full(kinds.shape, -1, np.int32)  # the numbers of a kind, since a pixel is in no part of another one
        for kind, regions in self._seen.items():
            numbers = regions.add(kinds == kind)
            np.copyto(parts, numbers, where=numbers >= 0)
        self.index.append(foreground_class)
        self._parts.append(parts)

    def clean(self, threshold: float) -> dict[int, RegionTable]:
        """Give parts of cells their class, once all rows were added.

        Parameters
        ----------
        threshold : float
            A pixel belongs to a cell where its probability is above it.

        Returns
        -------
        dict of int to RegionTable
            The connected regions of each kind.
        """
        tables = {kind: regions.table() for kind, regions in self._seen.items()}
        numbers, kinds, areas, count = {}, [0], [np.zeros(1, np.int64)], 1
        for kind, table in tables.items():
            numbers[kind] = count + table.of_part
            kinds += [kind] * len(table.areas)
            areas.append(table.areas)
            count += len(table.areas)
        before = np.array(kinds)
        becomes = classes_of_regions(before, np.concatenate(areas), self._regions(numbers))
        changed = becomes != before
        found = {kind: PassingRegions(self._shape[1]) for kind in self.legend.kinds}
        for (top, bottom), regions in zip(bands_of(self._shape), self._regions(numbers, 0), strict=True):
            index = np.where(changed[regions], becomes[regions], self.index.crop(top, bottom)).astype(np.uint8)
            self.index.put(index, top)
            cell = self._probability.crop(top, bottom) > threshold
            for kind, passing in found.items():
                passing.add(cell & (self._outer[index] == kind))
        self._parts.close()
        return {kind: passing.table() for kind, passing in found.items()}

    def above(self, threshold: float, top: int, bottom: int) -> np.ndarray:
        """The class of each pixel of some rows, (h, W) uint8, 0 where the probability is not above a threshold."""
        cell = self._probability.crop(top, bottom) > threshold
        return np.where(cell, self.index.crop(top, bottom), np.uint8(0))

    def is_kind(self, kind: int, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Which pixels of a part of the image are of a kind if they are cell, (h, w) bool."""
        return np.asarray(self._outer[self.index.crop(top, bottom, left, right)] == kind)

    def _regions(self, numbers: dict[int, np.ndarray], above: int = 1) -> Iterator[np.ndarray]:
        """The number of the region of each pixel, 0 for none, in bands, each with so many rows of the band above."""
        for top, bottom in bands_of(self._shape):
            top = max(0, top - above)
            parts, kinds = self._parts.crop(top, bottom), self._outer[self.index.crop(top, bottom)]
            regions = np.zeros(parts.shape, np.int64)
            for kind, of_part in numbers.items():
                own = (parts >= 0) & (kinds == kind)
                regions[own] = of_part[parts[own]]
            yield regions
