"""Large maps: what a network says of an image that is too large for memory, on disk, with the regions of its cell pixels."""

from __future__ import annotations

import contextlib
from os import PathLike
from types import TracebackType

import numpy as np

from minunet.cells.cell_settings import CellSettings
from minunet.cells.cell_stain import brightness
from minunet.cells.passing_regions import PassingRegions, RegionTable
from minunet.files.disk_array import DiskArray

BYTES_ON_DISK = 16  # of a pixel: probability, separation, brightness and label, at most


class LargeMaps:
    """The maps of an image; its rows are added from top to bottom.

    Parameters
    ----------
    folder : path
        For the temporary files.
    shape : (H, W)
        Of the image.
    settings : CellSettings

    Attributes
    ----------
    probability, brightness : DiskArray
        (H, W) float32.
    separation : DiskArray or None
        None for a model that does not know it, and where the settings do not use it.
    """

    def __init__(self, folder: str | PathLike[str], shape: tuple[int, int], settings: CellSettings):
        self.folder, self.shape, self.settings = folder, shape, settings
        self._files = contextlib.ExitStack()
        self.probability = self._array(np.float32)
        self.brightness = self._array(np.float32)
        self.separation: DiskArray | None = None
        self._regions = PassingRegions(shape[1])
        self._rows = 0

    def __enter__(self) -> LargeMaps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, image: np.ndarray, probability: np.ndarray, separation: np.ndarray | None) -> None:
        """The next rows: of the image, (h, W) or (h, W, C), and of its maps, (h, W) each."""
        if separation is not None and self.settings.learned:
            if self.separation is None:
                self.separation = self._array(np.float32)
            self.separation.append(separation)
        self.probability.append(probability)
        self.brightness.append(brightness(image))
        self._regions.add(probability > self.settings.threshold)
        self._rows += len(probability)

    def regions(self) -> RegionTable:
        """The connected regions of the pixels above the threshold, once all rows were added."""
        assert self._rows == self.shape[0]
        return self._regions.table()

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
