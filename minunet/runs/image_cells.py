"""Image cells: finding the cells of one image of a prediction, in memory, or on disk where it is too large for that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from minunet.cells.large_maps import LargeMaps
from minunet.data.finding.input_images import InputImage
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_rows import ImageRows
from minunet.files.atomic_write import cannot_write
from minunet.files.folders import nearest_existing
from minunet.inference.large_images import PredictedRows
from minunet.inference.loaded_model import LoadedModel
from minunet.runs.cell_results import SMALL_ENOUGH, CellRequest, most_pixels, write_cell_files
from minunet.runs.kept_rows import KeptRows
from minunet.runs.large_cell_results import LargeResult, too_little_space, write_large_cells
from minunet.runs.prediction_tables import TableRow

TableRows = tuple[TableRow, list[TableRow]]


class ImageCells(Protocol):
    """The cells of one image, in three steps: its rows pass, files are written, and the rows of the tables are given."""

    def while_passing(self, rows: Iterable[PredictedRows]) -> Iterator[PredictedRows]:
        """The same rows of the image."""

    def write(self, stem: Path) -> None:
        """Find the cells, and write their files; `stem` is the folder with the name of the image."""

    def table_rows(self, notes: Sequence[str]) -> TableRows:
        """The row of the image in the table of images, and those of its cells."""


class WholeImageCells:
    """Of an image that is kept in memory; see `ImageCells`.

    Parameters
    ----------
    request : CellRequest
    model : LoadedModel
    image : InputImage
    rows : ImageRows
        Of the image.
    """

    def __init__(self, request: CellRequest, model: LoadedModel, image: InputImage, rows: ImageRows):
        self._request, self._model, self._image, self._rows = request, model, image, rows
        self._kept = KeptRows()

    def while_passing(self, rows: Iterable[PredictedRows]) -> Iterator[PredictedRows]:
        """The same rows; they are kept."""
        return self._kept.while_passing(rows)

    def write(self, stem: Path) -> None:
        """Find the cells, and write their files."""
        request = self._request
        pixels, maps = self._kept.whole()
        self._found, self._pixel_size = request.find(self._image, pixels, maps, self._rows.scale)
        shown = None if request.legend is None else request.shown_classes(maps)
        display = self._model.preprocessing.display(pixels)
        write_cell_files(stem, display, self._found, self._pixel_size, request.exports, shown)

    def table_rows(self, notes: Sequence[str]) -> TableRows:
        """The row of the image in the table of images, and those of its cells."""
        labels, table = self._found
        return self._request.row(self._image, labels, table, self._pixel_size, notes), table


class LargeImageCells:
    """Of an image that is too large for memory; see `ImageCells`.

    Parameters
    ----------
    request : CellRequest
    model : LoadedModel
    image : InputImage
    rows : ImageRows
        Of the image.
    maps : LargeMaps
        To which its rows are added.
    report : callable
        Called as `report(parts done, parts in all)` while cells are found, and while they are measured.
    """

    def __init__(
        self,
        request: CellRequest,
        model: LoadedModel,
        image: InputImage,
        rows: ImageRows,
        maps: LargeMaps,
        report: ProgressCallback,
    ):
        self._request, self._model, self._image, self._rows = request, model, image, rows
        self._maps, self._report = maps, report

    def while_passing(self, rows: Iterable[PredictedRows]) -> Iterator[PredictedRows]:
        """The same rows; each part is added to the maps."""
        for pixels, predicted in rows:
            self._maps.add(pixels, predicted.probability, predicted.separation, predicted.foreground_class)
            yield pixels, predicted

    def write(self, stem: Path) -> None:
        """Find the cells, and write their files."""
        self._pixel_size = self._request.pixel_size_of(self._image, self._rows.scale)
        self._result = LargeResult.find(self._maps, self._pixel_size, self._report)
        display = self._model.preprocessing.display
        write_large_cells(stem, self._rows, display, self._result, self._pixel_size, self._request.exports)

    def table_rows(self, notes: Sequence[str]) -> TableRows:
        """The row of the image in the table of images, and those of its cells."""
        area, table = self._result.area, self._result.table
        return self._request.row(self._image, area, table, self._pixel_size, notes), table


@contextlib.contextmanager
def cells_of_image(
    request: CellRequest | None,
    model: LoadedModel,
    image: InputImage,
    rows: ImageRows,
    out: Path,
    report: ProgressCallback,
    notes: list[str],
    neighbours: int = 1,
) -> Iterator[ImageCells | None]:
    """How the cells of an image are found; None where they are not, and a note says why.

    Parameters
    ----------
    request : CellRequest or None
        None: no cells are wanted.
    model : LoadedModel
    image : InputImage
    rows : ImageRows
        Of the image.
    out : Path
        The folder of the results; temporary files are on its disk.
    report : callable
        See `LargeImageCells`.
    notes : list of str
        To which a sentence is added.
    neighbours : int
        The number of processes that share the memory.
    """
    if request is None:
        yield None
        return
    large = f"{image.path} has {rows.pixels / 1e6:,.0f} million pixels"
    in_memory = rows.wide and model.preprocessing.range is None  # numbers of unknown range are read as a whole
    most = most_pixels(neighbours) if in_memory else SMALL_ENOUGH
    legend = model.legend
    if rows.pixels <= most:
        yield WholeImageCells(request, model, image, rows)
    elif in_memory:
        notes.append(
            f"{large}, and the memory that is left is enough to find cells in at most {most / 1e6:,.0f} million; only its mask is "
            "written: cut it into pieces to count cells."
        )
        yield None
    elif problem := too_little_space(out, rows.pixels, classes=legend is not None):
        notes.append(f"{large}, and {problem}; only its mask is written: free some space to count cells.")
        yield None
    else:
        try:
            with LargeMaps(nearest_existing(out), (rows.height, rows.width), request.settings, legend) as maps:
                yield LargeImageCells(request, model, image, rows, maps, report)
        except OSError as error:  # of the temporary files
            raise cannot_write(out, error) from error
