"""The files of the cells of one image: labels, the picture with outlines and numbers, and what was asked for with --export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cells.cell_exports import ENDINGS, EXPORTS, ZARR
from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_measures import Cells
from minunet.cells.cell_settings import CellSettings
from minunet.cells.class_measures import ClassifiedCells, class_counts
from minunet.cells.count_interval import CountInterval
from minunet.cells.found_cells import find_and_measure
from minunet.cells.image_summary import LabelledArea, measure_image
from minunet.cells.labels_tiff import labels_tiff
from minunet.data.class_legend import ClassLegend
from minunet.data.finding.input_images import InputImage
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.files.atomic_write import replacing_folder, write_bytes
from minunet.inference.predicted_maps import PredictedMaps
from minunet.resources import available_memory
from minunet.results.cell_overlay import ShownClasses, cell_overlay
from minunet.results.ome_zarr_file import write_ome_zarr
from minunet.results.picture import png_bytes
from minunet.runs.prediction_tables import TableRow

SMALL_ENOUGH = 2**25  # pixels of an image whose cells are found whatever the memory
BYTES_A_PIXEL = 25  # that finding and measuring cells takes
CELL_FILES = {
    "labels.tif": "the number of the cell at each pixel, 16 bit",
    "cells.png": "outline and number of every cell on the image, orange (or ?, with classes) where in doubt",
}


@dataclass
class CellRequest:
    """What is to be done with the cells of the images of a prediction.

    Attributes
    ----------
    settings : CellSettings
    interval : CountInterval or None
        Of the model.
    pixel_size : float or None
        In micrometres, as the user gave it, of level 0 of a pyramid; None: as each file gives it.
    exports : sequence of str
        Keys of `minunet.cells.cell_exports.ENDINGS`.
    legend : ClassLegend or None
        Of a model with classes.
    """

    settings: CellSettings
    interval: CountInterval | None = None
    pixel_size: float | None = None
    exports: Sequence[str] = ()
    legend: ClassLegend | None = None

    def pixel_size_of(self, image: InputImage, scale: float) -> float | None:
        """The size of a pixel in micrometres, where that is known; `scale` is that of the level of a pyramid."""
        pixel_size = read_pixel_size(image.path) if self.pixel_size is None else self.pixel_size
        return None if pixel_size is None else pixel_size * scale

    def find(
        self, image: InputImage, pixels: np.ndarray, maps: PredictedMaps, scale: float = 1.0
    ) -> tuple[Cells, float | None]:
        """The cells of an image, and the size of its pixels in micrometres, where that is known."""
        pixel_size = self.pixel_size_of(image, scale)
        cell_maps = CellMaps.of(maps.probability, maps.foreground_class, self.legend, maps.separation)
        return find_and_measure(cell_maps, pixels, self.settings, pixel_size), pixel_size

    def shown_classes(self, maps: PredictedMaps) -> ShownClasses | None:
        """The classes of an image as they are shown with its cells; None without classes."""
        index = maps.classes_above(self.settings.threshold)
        return None if index is None or self.legend is None else ShownClasses(index, self.legend)

    def row(
        self,
        image: InputImage,
        area: np.ndarray | LabelledArea,
        table: list[dict[str, Any]],
        pixel_size: float | None,
        notes: Sequence[str],
    ) -> TableRow:
        """The row of an image in the table of images; `area` is that of its labels, or the labels."""
        counts = None if self.legend is None else class_counts(table, self.legend)
        return measure_image(
            image.name, area, table, pixel_size=pixel_size, interval=self.interval, notes=notes, counts=counts
        )


def most_pixels(neighbours: int = 1) -> int:
    """Of an image whose cells are found: as many as fit into half of the memory that is left, and at least 33 million.

    So many processes share the memory, this one included.
    """
    memory = available_memory()
    return SMALL_ENOUGH if memory is None else max(SMALL_ENOUGH, memory // neighbours // 2 // BYTES_A_PIXEL)


def cell_files(stem: Path, exports: Sequence[str] = ()) -> list[Path]:
    """The files of the cells of an image, in the order of `CELL_FILES` and `exports`; `stem` is the folder with its name."""
    endings = [*CELL_FILES, *(ENDINGS[name] for name in exports)]
    return [stem.with_name(f"{stem.name}_{ending}") for ending in endings]


def write_cell_files(
    stem: Path,
    image: np.ndarray,
    cells: Cells,
    pixel_size: float | None,
    exports: Sequence[str] = (),
    classes: ShownClasses | None = None,
) -> None:
    """Write the files of the cells of an image.

    Parameters
    ----------
    stem : Path
        The folder with the name of the image.
    image : ndarray, uint8, (H, W) or (H, W, 3)
        As it is displayed.
    cells : Cells
    pixel_size : float or None
        In micrometres.
    exports : sequence of str
        Keys of `minunet.cells.cell_exports.ENDINGS`.
    classes : ShownClasses, optional
        Of a model with classes.

    Raises
    ------
    UserError
        If the system refuses.
    """
    contents: dict[str, Callable[[], bytes]] = {
        "labels": lambda: labels_tiff(cells.labels, pixel_size),
        "cells": lambda: png_bytes(cell_overlay(image, *cells, classes), compress_level=1),
        **{word: partial(make, cells, stem.name, pixel_size) for word, (_, make) in EXPORTS.items()},
    }
    for word, path in zip(("labels", "cells", *exports), cell_files(stem, exports), strict=True):
        if word == ZARR:
            with replacing_folder(path) as folder:
                rows = strips_of(image), strips_of(cells.labels)
                colours = class_colours_of(cells)
                write_ome_zarr(folder, *rows, cells.labels.shape, stem.name, pixel_size, colours, len(cells.table))
        else:
            write_bytes(path, contents[word](), durable=False)


def strips_of(array: np.ndarray) -> Callable[[int], Iterator[np.ndarray]]:
    """What gives the rows of an array, so many at a time."""
    return lambda rows: (array[top : top + rows] for top in range(0, len(array), rows))


def class_colours_of(cells: Cells) -> dict[int, tuple[int, int, int]] | None:
    """The colour of each cell by its class; None without classes."""
    if not isinstance(cells, ClassifiedCells):
        return None
    return {row["id"]: cells.legend.colour_of(row["class"]) for row in cells.table}
