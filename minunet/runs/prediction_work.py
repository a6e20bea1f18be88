"""The work of a prediction: images become files, in this process or in a worker, and their rows of the tables are returned.

What the tables and messages of a folder need is in the results; only the files of the images themselves are written here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from minunet.cli.console import PartsBar
from minunet.data.finding.input_images import InputImage
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_rows import ImageRows
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.data.reading.pixels import as_16_bits
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError
from minunet.files.all_or_none import all_or_none
from minunet.inference.large_images import PredictedRows, estimate_of_rows, predict_rows
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.unlike_images import extreme_share
from minunet.results.prediction import PICTURES, result_files, with_context
from minunet.runs.cell_results import CellRequest, cell_files
from minunet.runs.image_cells import cells_of_image
from minunet.runs.kept_rows import MiddleRows
from minunet.runs.level_choice import LevelChoice
from minunet.runs.picture_files import picture_files
from minunet.runs.prediction_tables import TableRow
from minunet.workers.tasks import GivenUp, Stopped


@dataclass(frozen=True)
class PredictedImage:
    """An image whose pictures are written.

    Attributes
    ----------
    image : InputImage
    cell_pixels, pixels : int
    unlike : tuple of str
        How it differs from the training images of the model, and whether all or none of it is cell.
    diameter : float or None
        Of its cells in pixels, where it was estimated to bring them to the size that the model knows.
    level : int
        Of a pyramid.
    levels : str or None
        Which level of a pyramid was predicted, in words.
    """

    image: InputImage
    cell_pixels: int
    pixels: int
    unlike: tuple[str, ...] = ()
    diameter: float | None = None
    level: int = 0
    levels: str | None = None


@dataclass(frozen=True)
class ImageResult:
    """What came out of an image.

    Attributes
    ----------
    predicted : PredictedImage or None
        None where it failed.
    notes, failures : tuple of str
        What the user should know of the file; why it failed.
    row : dict or None
        Of the image in the table of images; None where no cells were looked for.
    cells : tuple of dict
        The rows of its cells.
    """

    predicted: PredictedImage | None = None
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    row: TableRow | None = None
    cells: tuple[TableRow, ...] = ()


@dataclass
class OpenedImage:
    """An image that is read, or that will be read by rows.

    Attributes
    ----------
    rows : ImageRows
    choice : LevelChoice
        Of the level of a pyramid.
    notes : list of str
    diameter, estimated : float or None
        By which it is resized; the estimate, where that is one.
    predicted : list of PredictedRows, optional
        Where it was predicted together with others.
    """

    rows: ImageRows
    choice: LevelChoice
    notes: list[str]
    diameter: float | None = None
    estimated: float | None = None
    predicted: list[PredictedRows] | None = None


@dataclass(frozen=True)
class PredictionWork:
    """What is done with each image; called with images, it writes their files and returns a list of `ImageResult`.

    The list is shorter than the images where the user asked to stop.

    Attributes
    ----------
    model : LoadedModel
    out : Path
        Folder of the results, made if missing.
    threshold : float
        Of the masks.
    cells : CellRequest, optional
        What is written of cells; without it nothing is.
    diameter : float, optional
        Of the cells in all images, in pixels, as for `LoadedModel.predict`; of a pyramid in those of level 0.
    level : int or None
        Of the images that are pyramids; None: by the size of the cells (`LevelChoice`).
    neighbours : int
        The number of processes that share the memory of this machine.
    folder : Path
        To which the paths are relative, for a worker that is in another folder.
    shows_parts : bool
        Whether a large image gets a progress bar over its parts.
    """

    model: LoadedModel
    out: Path
    threshold: float = 0.5
    cells: CellRequest | None = None
    diameter: float | None = None
    level: int | None = 0
    neighbours: int = 1
    folder: Path = Path()
    shows_parts: bool = False

    def __call__(self, images: Sequence[InputImage], stopped: Stopped) -> list[ImageResult]:
        """Predict images; those of a group that have the same size at the network's input go through it together."""
        results: list[ImageResult] = []
        opened = self._open_together(images) if len(images) > 1 else {}
        with ThreadPoolExecutor(len(PICTURES)) as writers:
            for image in images:
                if results and stopped():
                    break
                try:
                    results.append(self._attempt(image, opened.pop(image, None), writers, stopped))
                except GivenUp:
                    if not results:
                        raise
                    break
        return results

    def _attempt(
        self, image: InputImage, opened: OpenedImage | None, writers: ThreadPoolExecutor, stopped: Stopped
    ) -> ImageResult:
        """Predict an image; where it fails, the reasons are in the result."""
        try:
            result = self._predict(self._located(image), opened, writers, stopped)
        except UserError as error:
            path = str(self._located(image).path)
            failures = tuple(text if path in text else f"{path}: {text}" for text in error.problems)
            result = ImageResult(failures=failures)
        except MemoryError:
            result = ImageResult(failures=(f"{image.path} does not fit into memory: cut it into pieces or shrink it.",))
        predicted = result.predicted and replace(result.predicted, image=image)
        notes, failures = (
            tuple(self._as_given(text, image) for text in texts) for texts in (result.notes, result.failures)
        )
        return replace(result, predicted=predicted, notes=notes, failures=failures)

    def _predict(
        self, image: InputImage, opened: OpenedImage | None, writers: ThreadPoolExecutor, stopped: Stopped
    ) -> ImageResult:
        """Write the files of an image, or none of them."""
        model, cells, cell_pixels = self.model, self.cells, 0
        out = Path(self.folder, self.out)
        stem, middle = out / image.name, MiddleRows()
        with ExitStack() as stack:
            bar = stack.enter_context(PartsBar(image.path.name)) if self.shows_parts else None

            def report(done: int, total: int) -> None:
                if bar is not None:
                    bar(done, total)
                if stopped() and done < total:
                    raise GivenUp

            if opened is None:
                choice, notes = self._choice(), list[str]()
                rows = stack.enter_context(open_rows(image.path, report=notes.append, level=choice))
                opened = self._opened(image, rows, choice, notes)
            rows, notes = opened.rows, opened.notes
            found = stack.enter_context(cells_of_image(cells, model, image, rows, out, report, notes, self.neighbours))
            predicted_rows = self._predicted_rows(opened, report)
            if found is not None:
                predicted_rows = found.while_passing(predicted_rows)
            predicted = with_context(predicted_rows, self.threshold, model.preprocessing.display)
            first = next(predicted)  # before a file is made, since most bad images show here
            with all_or_none(self.files(stem)), picture_files(stem, rows.height, writers, model.legend) as write:
                for prediction in itertools.chain([first], predicted):
                    write(prediction)
                    cell_pixels += int(prediction.mask.sum())
                    middle.add(prediction.shown(prediction.image), (rows.height, rows.width))
                if found is not None:
                    found.write(stem)
            shape = rows.height, rows.width
            unlike = tuple(model.unlike_window(middle.window(), shape, opened.diameter))
            unlike += tuple(extreme_share(cell_pixels / rows.pixels))
            row, table = (None, []) if found is None else found.table_rows([*notes, *unlike])
        side = read_pixel_size(image.path) if cells is None else cells.pixel_size_of(image, 1.0)
        levels = opened.choice.described(rows, side, opened.diameter)
        predicted_image = PredictedImage(image, cell_pixels, rows.pixels, unlike, opened.estimated, rows.level, levels)
        return ImageResult(predicted_image, tuple(notes), row=row, cells=tuple(table))

    def files(self, stem: Path) -> list[Path]:
        """All that may be written of an image."""
        exports = () if self.cells is None else self.cells.exports
        return [*result_files(stem, classes=self.model.legend is not None), *cell_files(stem, exports)]

    def _choice(self) -> LevelChoice:
        return LevelChoice(self.model, self.level, self.diameter)

    def _opened(self, image: InputImage, rows: ImageRows, choice: LevelChoice, notes: list[str]) -> OpenedImage:
        """The image with the diameter by which it is resized."""
        choice.check(image.path)
        estimated = None
        diameter = None if choice.diameter is None else choice.diameter / rows.scale
        if diameter is None and self.model.preprocessing.diameter is not None:
            estimated = estimate_of_rows(self.model, rows)
            diameter = self.model.preprocessing.diameter if estimated is None else estimated
        return OpenedImage(rows, choice, notes, diameter, estimated)

    def _predicted_rows(self, opened: OpenedImage, report: ProgressCallback) -> Iterator[PredictedRows]:
        if opened.predicted is not None:
            return iter(opened.predicted)
        return predict_rows(self.model, opened.rows, report, opened.diameter)

    def _open_together(self, images: Sequence[InputImage]) -> dict[InputImage, OpenedImage]:
        """Those images that are not large, read and predicted; one that fails is left out, and fails again when its turn comes."""
        opened: dict[InputImage, OpenedImage] = {}
        prepared = {}
        for image in images:
            choice, notes = self._choice(), list[str]()
            located = self._located(image)
            try:
                with open_rows(located.path, report=notes.append, level=choice) as rows:
                    if rows.is_large or choice.pyramid is not None:
                        continue
                    pixels = rows.whole()
                if rows.wide and self.model.preprocessing.range is None:
                    pixels = as_16_bits(pixels)
                opened[image] = self._opened(located, ImageRows.of_array(pixels), choice, notes)
                prepared[image] = self.model.prepared(pixels, opened[image].diameter)
            except (UserError, MemoryError):
                opened.pop(image, None)
        maps = self.model.outputs_of(
            list(prepared.values()), [(opened[image].rows.height, opened[image].rows.width) for image in prepared]
        )
        for image, predicted in zip(prepared, maps, strict=True):
            opened[image].predicted = [(opened[image].rows.whole(), predicted)]
        return opened

    def _located(self, image: InputImage) -> InputImage:
        return replace(image, path=Path(self.folder, image.path))

    def _as_given(self, text: str, image: InputImage) -> str:
        """A sentence with the paths as the user gave them."""
        for path in (image.path, self.out):
            text = text.replace(str(Path(self.folder, path)), str(path))
        return text
