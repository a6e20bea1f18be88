"""Cell maps: the maps of an image in which its cells are found, and the regions that they are cut into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.cells.cell_settings import CellSettings
from minunet.cells.watershed import CellRegions, CutRegions
from minunet.data.class_cells import ClassCells, numbered_by_kind, without_fragments
from minunet.data.class_legend import ClassLegend


@dataclass(frozen=True, eq=False)
class CellMaps:
    """What a network says of the pixels of an image.

    Attributes
    ----------
    probability : ndarray, (H, W)
        That a pixel belongs to a cell.
    index : ndarray, (H, W) uint8, or None
        The most probable class of each pixel if it is cell; None without classes.
    legend : ClassLegend or None
        Of the classes.
    separation : ndarray, (H, W), or None
        What separates cells, as for `minunet.cells.watershed.find_cells`.
    """

    probability: np.ndarray
    index: np.ndarray | None = None
    legend: ClassLegend | None = None
    separation: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        probability: np.ndarray,
        foreground_class: np.ndarray | None = None,
        legend: ClassLegend | None = None,
        separation: np.ndarray | None = None,
    ) -> CellMaps:
        """The maps; parts of cells that the network took for another kind are given the class of the cell around them.

        Parameters
        ----------
        probability : ndarray, (H, W)
        foreground_class : ndarray, (H, W) uint8, optional
            As in `minunet.inference.predicted_maps.PredictedMaps`.
        legend : ClassLegend, optional
        separation : ndarray, (H, W), optional
        """
        if foreground_class is None or legend is None:
            return cls(probability, separation=separation)
        seen = np.where(probability > 0.5, foreground_class, np.uint8(0))
        cleaned = without_fragments(seen, legend.outer)
        return cls(probability, np.where(seen > 0, cleaned, foreground_class), legend, separation)

    def regions(self, threshold: float) -> CellRegions | KindRegions:
        """The connected regions of the pixels whose probability is above a threshold."""
        if self.index is not None:
            return KindRegions(self, threshold)
        return CellRegions(self.probability, threshold, self.separation)

    def find(self, settings: CellSettings) -> ClassCells:
        """The cells; without classes each has the class 1."""
        cut = self.regions(settings.threshold).cut(settings)
        if isinstance(cut, CutKinds):
            return cut.class_cells(settings)
        labels = cut.cells(settings)
        return ClassCells(labels, np.minimum(np.arange(int(labels.max(initial=0)) + 1), 1))

    def classes_above(self, threshold: float) -> np.ndarray | None:
        """The class of each pixel, (H, W) uint8, 0 where the probability is not above a threshold; None without classes."""
        return None if self.index is None else np.where(self.probability > threshold, self.index, np.uint8(0))


class KindRegions:
    """The regions of an image with classes, those of each kind on their own; see `CellRegions`.

    Sizes are relative to the cells of one kind, so that platelets are not dropped because red cells are larger.
    """

    def __init__(self, maps: CellMaps, threshold: float):
        assert maps.index is not None and maps.legend is not None
        self.is_cell, self.kinds = maps.probability > threshold, np.asarray(maps.legend.outer)[maps.index]
        self.regions = {
            kind: CellRegions(np.where(self.kinds == kind, maps.probability, 0), threshold, maps.separation)
            for kind in maps.legend.kinds
        }

    def cut(self, settings: CellSettings) -> CutKinds:
        """The regions of every kind, cut; see `CellRegions.cut`."""
        return CutKinds(
            self.is_cell, self.kinds, {kind: regions.cut(settings) for kind, regions in self.regions.items()}
        )


@dataclass(frozen=True, eq=False)
class CutKinds:
    """The cut regions of an image with classes; see `CutRegions`.

    Attributes
    ----------
    is_cell : ndarray, (H, W) bool
    kinds : ndarray, (H, W) int
        The outer class of each pixel if it is cell.
    regions : dict of int to CutRegions
        Of each kind.
    """

    is_cell: np.ndarray
    kinds: np.ndarray
    regions: dict[int, CutRegions]

    def cells(self, settings: CellSettings) -> np.ndarray:
        """The cells, (H, W) int32."""
        return self.class_cells(settings).labels

    def class_cells(self, settings: CellSettings) -> ClassCells:
        """The cells with their classes, numbered by kind."""
        found = {}
        for kind, regions in self.regions.items():
            cells = regions.cells(settings)
            cells[self.is_cell & (self.kinds != kind)] = 0  # a small cell of another kind is no hole to be filled
            found[kind] = cells
        return numbered_by_kind(found, self.kinds.shape)
