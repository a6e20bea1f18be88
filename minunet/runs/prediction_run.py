"""A prediction run: the pictures of many images, written to one folder.

Nothing that exists is overwritten unless the user asks for it, a bad file does not stop the others, and Ctrl-C keeps what is done.
"""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minunet.cli.console import FileProgressBar
from minunet.cli.interruption import StopOnSignal
from minunet.data.finding.input_images import InputFiles, InputImage
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.files.all_or_none import remove_files
from minunet.files.atomic_write import sweep
from minunet.files.folders import mixing_problems, unwritable
from minunet.files.names import resolved
from minunet.inference.loaded_model import LoadedModel
from minunet.results.prediction import result_files
from minunet.runs.cell_results import cell_files
from minunet.runs.prediction_tables import PredictionTables, recorded_images, table_problems
from minunet.runs.prediction_work import ImageResult, PredictedImage, PredictionWork
from minunet.wording import join_names
from minunet.workers.attempts import result_of
from minunet.workers.tasks import OwnProcess, Task, Workers, consecutive

STOPPING = "Stopping after this image, a large one is given up; what is done is kept. Ctrl-C again stops at once."


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

    def add(self, result: ImageResult) -> None:
        """Add what came out of an image."""
        if result.predicted is not None:
            self.done.append(result.predicted)
            self.notes += result.notes
        self.failures += result.failures

    @property
    def cell_share(self) -> float:
        """The share of cells among the pixels of all that are done."""
        return sum(image.cell_pixels for image in self.done) / sum(image.pixels for image in self.done)


def unrecorded(images: Sequence[InputImage], out: Path) -> set[InputImage]:
    """Images whose cells are written, but are not in the tables: the process was killed before it wrote these."""
    written = [image for image in images if all(os.path.isfile(path) for path in cell_files(out / image.name))]
    if not written:
        return set()
    is_recorded = recorded_images(out)
    return {image for image in written if not is_recorded(image.name)}


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
    again: Container[InputImage] = (),
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
    again : container of InputImage
        Those whose files may be replaced, whatever the user wants.
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
    redone = {image.name for image in images if image in again}
    existing = dict.fromkeys(name for path, name in files.items() if name not in redone and os.path.lexists(path))
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
    work: PredictionWork,
    images: Sequence[InputImage],
    tables: PredictionTables | None = None,
    workers: Workers | None = None,
    batch_size: int = 1,
) -> PredictedImages:
    """Write the pictures of every image; where one fails, the failure is recorded and the next image follows.

    Parameters
    ----------
    work : PredictionWork
        What is done with each image.
    images : sequence of InputImage
    tables : PredictionTables, optional
        To which the images are added, if cells are found.
    workers : Workers, optional
        Who do it; this process unless given.
    batch_size : int
        Of images that go through the network together, if they have the same size there.

    Returns
    -------
    PredictedImages
        In the order of the images.
    """
    workers = OwnProcess() if workers is None else workers
    results: dict[int, list[ImageResult]] = {}  # by the place of the first image of a task
    result, done = PredictedImages(), 0

    def stopped() -> bool:
        return interruption.signal is not None

    with (
        StopOnSignal(lambda: None, STOPPING) as interruption,
        FileProgressBar("predicting") as progress,
        closing(workers.run(work, consecutive(images, batch_size), stopped)) as outcomes,
    ):
        progress(0, len(images))
        try:
            for outcome in outcomes:
                task = outcome.task
                _sweep_after(task, work.out)
                if outcome.lost:
                    results[task.first] = [lost_image(work, task)]
                else:
                    results[task.first] = result_of(outcome)
                    if task.deaths:
                        names = join_names([image.name for image in task.items], 3)
                        result.notes.append(f"{names}: {task.story}; another one has done it")
                for place, of_image in enumerate(results[task.first]):
                    if tables is not None and of_image.row is not None:
                        tables.add(of_image.row, of_image.cells)
                        results[task.first][place] = replace(of_image, row=None, cells=())  # they are not kept twice
                done += len(task.items)
                progress(done, len(images))
        finally:  # also where the user stops at once
            if tables is not None and any(of_image.predicted for group in results.values() for of_image in group):
                tables.write()
    for place in sorted(results):
        for of_image in results[place]:
            result.add(of_image)
    result.notes += workers.notes
    result.signal = interruption.signal
    return result


def _sweep_after(task: Task, out: Path) -> None:
    """Remove what processes that died have left half written."""
    for death in task.deaths:
        for image in task.items:
            sweep((out / image.name).parent, death.pid)


def lost_image(work: PredictionWork, task: Task) -> ImageResult:
    """The failure of an image of which several workers have died; what they wrote of it is removed."""
    (image,) = task.items
    remove_files(work.files(work.out / image.name))
    return ImageResult(
        failures=(f"{image.path}: {task.story}, perhaps for want of memory: try --workers 1, or cut it into pieces.",)
    )
