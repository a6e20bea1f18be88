"""Large maps: what a network says of an image that is too large for memory, on disk, with the regions of its cell pixels."""

from __future__ import annotations

import contextlib
from os import PathLike
from types import TracebackType

import numpy as np

from minunet.cells.cell_settings import CellSettings
from minunet.cells.cell_stain import brightness
from minunet.cells.large_classes import LargeClasses
from minunet.cells.passing_regions import PassingRegions, RegionTable
from minunet.data.class_legend import ClassLegend
from minunet.files.disk_array import DiskArray

BYTES_ON_DISK = 16  # of a pixel: probability, separation, brightness and label, at most
BYTES_WITH_CLASSES = (
    BYTES_ON_DISK + 5
)  # and its class, and the part of a region that it is in, later the label in its kind


class LargeMaps:
    """The maps of an image; its rows are added from top to bottom.

    Parameters
    ----------
    folder : path
        For the temporary files.
    shape : (H, W)
        Of the image.
    settings : CellSettings
    legend : ClassLegend, optional
        Of a model with classes.

    Attributes
    ----------
    probability, brightness : DiskArray
        (H, W) float32.
    separation : DiskArray or None
        None for a model that does not know it, and where the settings do not use it.
    classes : LargeClasses or None
        None without a legend.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        shape: tuple[int, int],
        settings: CellSettings,
        legend: ClassLegend | None = None,
    ):
        self.folder, self.shape, self.settings = folder, shape, settings
        self._files = contextlib.ExitStack()
        self.probability = self._array(np.float32)
        self.brightness = self._array(np.float32)
        self.separation: DiskArray | None = None
        self.classes = None if legend is None else LargeClasses(shape, legend, self.probability, self._array)
        self._regions = PassingRegions(shape[1]) if legend is None else None  # with classes each kind has its own
        self._rows = 0

    def __enter__(self) -> LargeMaps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(
        self,
        image: np.ndarray,
        probability: np.ndarray,
        separation: np.ndarray | None = None,
        foreground_class: np.ndarray | None = None,
    ) -> None:
        """Add the next rows.

        Parameters
        ----------
        image : ndarray, (h, W) or (h, W, C)
        probability, separation, foreground_class : ndarray, (h, W), or None
            As of `minunet.inference.predicted_maps.PredictedMaps`; with a legend the class is needed.
        """
        if separation is not None and self.settings.learned:
            if self.separation is None:
                self.separation = self._array(np.float32)
            self.separation.append(separation)
        self.probability.append(probability)
        self.brightness.append(brightness(image))
        if self._regions is not None:
            self._regions.add(probability > self.settings.threshold)
        if self.classes is not None:
            assert foreground_class is not None
            self.classes.add(probability, foreground_class)
        self._rows += len(probability)

    def regions(self) -> RegionTable:
        """The connected regions of the pixels above the threshold, once all rows were added; without classes."""
        assert self._rows == self.shape[0] and self._regions is not None
        return self._regions.table()

    def kinds(self) -> dict[int, KindMaps]:
        """The maps of each kind of cells, once all rows were added; with classes."""
        assert self._rows == self.shape[0] and self.classes is not None
        return {
            kind: KindMaps(self, kind, table) for kind, table in self.classes.clean(self.settings.threshold).items()
        }

    def is_cell(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Which pixels of a part of the image are above the threshold, (h, w) bool."""
        return self.probability.crop(top, bottom, left, right) > self.settings.threshold

    def new_labels(self) -> DiskArray:
        """An array (H, W) int32 of zeros, in the same folder."""
        labels = self._array(np.int32)
        labels.fill_with_zeros()
        return labels

    def separation_in(self, top: int, bottom: int, left: int, right: int) -> np.ndarray | None:
        """A part of what separates cells."""
        return None if self.separation is None else self.separation.crop(top, bottom, left, right)

    def _array(self, dtype: type) -> DiskArray:
        return self._files.enter_context(DiskArray(self.folder, self.shape, dtype))


class KindMaps:
    """The maps of the cells of one kind, as `LargeMaps` gives those of all cells without classes.

    Parameters
    ----------
    maps : LargeMaps
        With classes.
    kind : int
        The outer class of the cells.
    table : RegionTable
        Their connected regions.
    """

    def __init__(self, maps: LargeMaps, kind: int, table: RegionTable):
        self._maps, self._kind, self._table = maps, kind, table
        self.shape, self.settings = maps.shape, maps.settings
        self.new_labels, self.separation_in = maps.new_labels, maps.separation_in

    def regions(self) -> RegionTable:
        """The connected regions of the pixels above the threshold."""
        return self._table

    def is_cell(self, top: int, bottom: int, left: int = 0, right: int | None = None) -> np.ndarray:
        """Which pixels of a part of the image are above the threshold and of this kind, (h, w) bool."""
        assert self._maps.classes is not None
        cell, of_kind = self._maps.is_cell, self._maps.classes.is_kind
        return cell(top, bottom, left, right) & of_kind(self._kind, top, bottom, left, right)
