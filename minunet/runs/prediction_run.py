"""A prediction run: the pictures of many images, written to one folder.

Nothing that exists is overwritten unless the user asks for it, a bad file does not stop the others, and Ctrl-C keeps what is done.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minunet.cli.console import FileProgressBar, PartsBar
from minunet.cli.interruption import StopOnSignal
from minunet.data.finding.input_images import InputFiles, InputImage
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.data.reading.rows_of_files import open_rows
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.errors import UserError
from minunet.files.folders import mixing_problems, unwritable
from minunet.files.names import resolved
from minunet.inference.large_images import estimate_of_rows, predict_rows
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.unlike_images import extreme_share
from minunet.results.prediction import PICTURES, result_files, with_context
from minunet.runs.cell_results import CellRequest, cell_files, remove_files
from minunet.runs.image_cells import cells_of_image
from minunet.runs.kept_rows import MiddleRows
from minunet.runs.level_choice import LevelChoice
from minunet.runs.picture_files import picture_files
from minunet.runs.prediction_tables import PredictionTables, table_problems
from minunet.wording import join_names

STOPPING = "Stopping after this image, a large one is given up; what is done is kept. Ctrl-C again stops at once."


class _GivenUp(Exception):
    """The user asked to stop while a large image was predicted, which may take an hour."""


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


@dataclass
class PredictedImages:
    """The images that were predicted, and those that failed.

    Attributes
    ----------
    done : list of PredictedImage
        Those whose pictures are written.
    failures, notes : list of str
        The reasons why images failed; remarks on other images.
    signal : int or None
        The signal by which the user asked to stop.
    """

    done: list[PredictedImage] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signal: int | None = None

    @property
    def cell_share(self) -> float:
        """The share of cells among the pixels of all that are done."""
        return sum(image.cell_pixels for image in self.done) / sum(image.pixels for image in self.done)


def has_results(image: InputImage, out: Path, *, classes: bool = False) -> bool:
    """Whether all pictures of an image are in the folder; with that of the classes, for a model that has some."""
    return all(os.path.isfile(path) for path in result_files(out / image.name, classes=classes))


def result_problems(
    inputs: InputFiles,
    images: Sequence[InputImage],
    out: Path,
    *,
    overwrite: bool,
    skip_existing: bool,
    exports: Sequence[str] | None = None,
    classes: bool = False,
) -> list[str]:
    """The reasons why the results cannot be written, a sentence each.

    Parameters
    ----------
    inputs : InputFiles
        Everything that was found.
    images : sequence of InputImage
        Those to predict.
    out : Path
    overwrite, skip_existing : bool
        What the user wants to be done about results that exist.
    exports : sequence of str, optional
        What is written for other programs, beside the tables and pictures of cells; None: no cells.
    classes : bool
        Whether the model has classes.
    """
    if problem := unwritable(out):
        return [f"--out {out}: {problem}"]
    files = {path: image.name for image in images for path in result_files(out / image.name, classes=classes)}
    tables: list[str] = []
    if exports is not None:
        files |= {path: image.name for image in images for path in cell_files(out / image.name, exports)}
        tables = table_problems(out)
    data = [image.path.parent if is_zarr(image.path) else image.path for image in inputs.images]
    for image in inputs.images:
        if is_zarr(image.path) and resolved(out).is_relative_to(resolved(image.path)):
            return [f"--out {out}: lies in the image {image.path}; choose a folder outside of it."]
    if problems := mixing_problems(out, files, [*data, *inputs.masks]):
        return problems
    existing = dict.fromkeys(name for path, name in files.items() if os.path.lexists(path))
    if existing and not overwrite:
        remedy = (
            "these are incomplete: remove them, or replace them with --overwrite in place of --skip-existing."
            if skip_existing
            else "add --skip-existing to keep them, --overwrite to replace them, or choose another folder."
        )
        return [f"--out {out}: results of {join_names(existing, 3)} are there already; {remedy}", *tables]
    return tables


def prediction_document(
    out: Path, model: LoadedModel, result: PredictedImages, tables: PredictionTables | None
) -> dict[str, Any]:
    """What was predicted, for --json.

    Parameters
    ----------
    out : Path
        The folder of the results.
    model : LoadedModel
    result : PredictedImages
    tables : PredictionTables or None
        Their rows of the images are those of images.csv; None where no cells were found.
    """
    rows = {} if tables is None else {str(row["image"]): row for row in tables.images()}
    images = [
        {
            "image": done.image.name,
            "file": str(done.image.path),
            "pixels": done.pixels,
            "cell_share": done.cell_pixels / done.pixels,
            "cell_diameter": done.diameter,
            "level": done.level,
            "unlike": list(done.unlike),
            "cells": rows.get(done.image.name),
        }
        for done in result.done
    ]
    return {
        "model": str(model.path),
        "out": str(out),
        "images": images,
        "failures": result.failures,
        "notes": result.notes,
    }


def predict_files(
    model: LoadedModel,
    images: Sequence[InputImage],
    out: Path,
    threshold: float = 0.5,
    cells: CellRequest | None = None,
    diameter: float | None = None,
    level: int | None = 0,
) -> PredictedImages:
    """Write the pictures of every image; where one fails, the failure is recorded and the next image follows.

    Parameters
    ----------
    model : LoadedModel
    images : sequence of InputImage
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

    Returns
    -------
    PredictedImages
    """
    result = PredictedImages()

    def stopped() -> bool:
        return interruption.signal is not None

    with (
        StopOnSignal(lambda: None, STOPPING) as interruption,
        FileProgressBar("predicting") as progress,
        ThreadPoolExecutor(len(PICTURES)) as writers,
    ):
        for number, image in enumerate(images):
            progress(number, len(images))
            if stopped():
                break
            try:
                choice = LevelChoice(model, level, diameter)
                predicted, notes = _predict_file(model, image, out, threshold, writers, stopped, cells, choice)
            except _GivenUp:
                break
            except UserError as error:
                path = str(image.path)
                result.failures += [text if path in text else f"{path}: {text}" for text in error.problems]
                continue
            except MemoryError:
                result.failures.append(f"{image.path} does not fit into memory: cut it into pieces or shrink it.")
                continue
            result.done.append(predicted)
            result.notes += notes
        if cells is not None and result.done:
            cells.tables.write()
    result.signal = interruption.signal
    return result


def _predict_file(
    model: LoadedModel,
    image: InputImage,
    out: Path,
    threshold: float,
    writers: ThreadPoolExecutor,
    stopped: Callable[[], bool],
    cells: CellRequest | None,
    choice: LevelChoice,
) -> tuple[PredictedImage, list[str]]:
    """Write the pictures of one image, or none of them; returns what was predicted, and what the user should know of the file."""
    cell_pixels, notes = 0, list[str]()
    middle = MiddleRows()
    with contextlib.ExitStack() as stack:
        rows = stack.enter_context(open_rows(image.path, report=notes.append, level=choice))
        progress = stack.enter_context(PartsBar(image.path.name))

        def report(done: int, total: int) -> None:
            progress(done, total)
            if stopped() and done < total:
                raise _GivenUp

        choice.check(image.path)
        estimated = None
        diameter = None if choice.diameter is None else choice.diameter / rows.scale
        if diameter is None and model.preprocessing.diameter is not None:
            estimated = estimate_of_rows(model, rows)
            diameter = model.preprocessing.diameter if estimated is None else estimated
        found = stack.enter_context(cells_of_image(cells, model, image, rows, out, report, notes))
        predicted_rows = predict_rows(model, rows, report, diameter)
        if found is not None:
            predicted_rows = found.while_passing(predicted_rows)
        predicted = with_context(predicted_rows, threshold, model.preprocessing.display)
        first = next(predicted)  # before a file is made, since most bad images show here
        written: list[Path] = []
        try:
            palette = None if model.legend is None else model.legend.colours
            with picture_files(out / image.name, rows.height, writers, palette) as write:
                for prediction in itertools.chain([first], predicted):
                    write(prediction)
                    cell_pixels += int(prediction.mask.sum())
                    middle.add(prediction.shown(prediction.image), (rows.height, rows.width))
                if found is not None:
                    written += found.write(out / image.name)
        except BaseException:
            remove_files(written)
            raise
        shape = rows.height, rows.width
        unlike = model.unlike_window(middle.window(), shape, diameter) + extreme_share(cell_pixels / rows.pixels)
        if found is not None:
            found.add([*notes, *unlike])
    side = read_pixel_size(image.path) if cells is None else cells.pixel_size_of(image, 1.0)
    described = choice.described(rows, side, diameter)
    return PredictedImage(image, cell_pixels, rows.pixels, tuple(unlike), estimated, rows.level, described), notes
