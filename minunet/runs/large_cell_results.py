"""The files of the cells of an image that is too large for memory: the same as of any other, written some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cells.cell_exports import EXPORTS, ZARR
from minunet.cells.cell_measures import Cells
from minunet.cells.class_measures import ClassifiedCells
from minunet.cells.image_summary import LabelledArea
from minunet.cells.labels_tiff import write_labels_tiff
from minunet.cells.large_cells import LargeCells, find_large_cells
from minunet.cells.large_maps import BYTES_ON_DISK, BYTES_WITH_CLASSES, LargeMaps
from minunet.cells.large_measures import measure_large
from minunet.cells.row_bands import bands_of
from minunet.data.class_legend import ClassLegend
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_rows import ImageRows, spans_of
from minunet.files.atomic_write import replacing, replacing_folder, write_bytes
from minunet.files.disk_array import free_space
from minunet.files.folders import nearest_existing
from minunet.results.cell_overlay import CellDrawing
from minunet.results.ome_zarr_file import write_ome_zarr
from minunet.results.png_file import PngFile
from minunet.runs.cell_results import cell_files, class_colours_of

Display = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class LargeResult:
    """The cells of a large image, once they are measured.

    Attributes
    ----------
    cells : LargeCells
    table : list of dict
        As of `minunet.cells.cell_measures.Cells`.
    area : LabelledArea
    maps : LargeMaps
        Those in which they were found.
    """

    cells: LargeCells
    table: list[dict[str, Any]]
    area: LabelledArea
    maps: LargeMaps

    @property
    def legend(self) -> ClassLegend | None:
        """Of the classes of the cells; None without classes."""
        return None if self.maps.classes is None else self.maps.classes.legend

    def as_cells(self) -> Cells:
        """The cells as those of a small image, for what looks only at parts of their labels."""
        labels: Any = self.cells.labels
        if self.legend is None:
            return Cells(labels, self.table)
        return ClassifiedCells.of(labels, self.table, self.legend)

    @classmethod
    def find(cls, maps: LargeMaps, pixel_size: float | None, report: ProgressCallback) -> LargeResult:
        """Find and measure the cells; `report` is called for the regions, and once more for the cells."""
        cells = find_large_cells(maps, report)
        return cls(cells, *measure_large(cells, maps, pixel_size, report), maps)


def too_little_space(out: Path, pixels: int, *, classes: bool) -> str | None:
    """Why the temporary files of the cells of a large image do not fit, as part of a sentence."""
    needed, free = (BYTES_WITH_CLASSES if classes else BYTES_ON_DISK) * pixels, free_space(nearest_existing(out))
    if needed <= free:
        return None
    return f"finding its cells takes {needed / 1e9:.1f} GB on the disk of {out}, and {free / 1e9:.1f} GB are free"


def write_large_cells(
    stem: Path,
    image: ImageRows,
    display: Display,
    result: LargeResult,
    pixel_size: float | None,
    exports: Sequence[str] = (),
) -> None:
    """Write the files of the cells of a large image; the parameters are those of `write_cell_files`.

    Parameters
    ----------
    stem : Path
    image : ImageRows
        It is read once more.
    display : callable
        Turns its rows into uint8.
    result : LargeResult
    pixel_size : float or None
    exports : sequence of str
    """
    labels = result.cells.labels
    files = dict(zip(("labels", "cells", *exports), cell_files(stem, exports), strict=True))
    for kind, path in files.items():
        if kind in ("labels", "ome"):
            with replacing(path) as temporary:
                write_labels_tiff(
                    temporary, labels, len(result.table), pixel_size, stem.name if kind == "ome" else None
                )
        elif kind == "cells":
            _write_picture(path, image, display, result)
        elif kind == ZARR:
            _write_zarr(path, image, display, result, pixel_size, stem.name)
        else:
            write_bytes(path, EXPORTS[kind][1](result.as_cells(), stem.name, pixel_size), durable=False)


def _write_picture(path: Path, image: ImageRows, display: Display, result: LargeResult) -> None:
    """The image with the outlines and numbers of its cells."""
    drawing, classes = CellDrawing(result.table, image.width, result.legend), result.maps.classes
    bands = bands_of((image.height, image.width))
    spans = [(max(0, top - drawing.reach), min(image.height, bottom + drawing.reach)) for top, bottom in bands]
    with replacing(path) as temporary, open(temporary, "wb") as file:
        png = PngFile(file, image.height, compress_level=1)
        for (top, bottom), (first, last), window in zip(bands, spans, image.windows(spans), strict=True):
            labels = result.cells.labels.crop(first, last)
            index = None if classes is None else classes.above(result.maps.settings.threshold, first, last)
            drawn = drawing.draw(display(window), labels, first, index)
            png.write(np.asarray(drawn)[top - first : bottom - first])
        png.finish()


def _write_zarr(
    path: Path, image: ImageRows, display: Display, result: LargeResult, pixel_size: float | None, name: str
) -> None:
    """The image and its labels as an OME-Zarr."""
    shape, labels = (image.height, image.width), result.cells.labels

    def shown(rows: int) -> Iterator[np.ndarray]:
        return map(display, image.windows(spans_of(shape[0], rows)))

    def numbers(rows: int) -> Iterator[np.ndarray]:
        return (labels.crop(*span) for span in spans_of(shape[0], rows))

    with replacing_folder(path) as folder:
        colours = class_colours_of(result.as_cells())
        write_ome_zarr(folder, shown, numbers, shape, name, pixel_size, colours, len(result.table))
