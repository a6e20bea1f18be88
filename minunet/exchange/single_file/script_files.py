"""The files of a script: the pictures of each image and the table of counts, each written completely or not at all."""

from __future__ import annotations

import contextlib
import csv
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from minunet.data.class_cells import ClassCells
from minunet.data.class_legend import ClassLegend
from minunet.errors import UserError
from minunet.files.all_or_none import all_or_none
from minunet.inference.predicted_maps import PredictedMaps
from minunet.results.cell_overlay import ShownClasses, cell_overlay

SCRIPT_PICTURES = {
    "mask": "255 where a pixel is cell, else 0",
    "labels": "16-bit grey: the number of the cell of each pixel, else 0",
    "cells": "the image with the outline and the number of each cell",
}
CLASS_PICTURE = "classes"  # of a model with classes: the index of the class, with a palette
COUNTS = "counts.csv"
MOST_LABELS = 65_535  # numbers that a picture of 16 bits can hold


def script_pictures(
    display: np.ndarray, maps: PredictedMaps, cells: ClassCells, legend: ClassLegend | None
) -> dict[str, Image.Image]:
    """The pictures of an image, by their kind.

    Parameters
    ----------
    display : ndarray, (H, W) or (H, W, 3) uint8
        The image as it is shown.
    maps : PredictedMaps
    cells : ClassCells
    legend : ClassLegend or None

    Raises
    ------
    UserError
        If there are more cells than a picture can number.
    """
    if len(cells.classes) - 1 > MOST_LABELS:
        raise UserError(
            f"{len(cells.classes) - 1:,} cells are more than a picture can number: cut the image into pieces."
        )
    index = maps.classes
    shown = None if index is None or legend is None else ShownClasses(index, legend)
    pictures = {
        "mask": Image.fromarray((maps.probability > 0.5).astype(np.uint8) * 255),
        "labels": Image.fromarray(cells.labels.astype(np.uint16)),
        "cells": cell_overlay(display, cells.labels, _numbers(cells, legend), shown),
    }
    if shown is not None:
        palette = Image.fromarray(shown.index)
        palette.putpalette(shown.legend.colours.ravel().tolist())
        pictures[CLASS_PICTURE] = palette
    return pictures


def _numbers(cells: ClassCells, legend: ClassLegend | None) -> list[dict[str, Any]]:
    """Of each cell its number, where it is written, and how large."""
    rows, columns = np.nonzero(cells.labels)
    numbers, count = cells.labels[rows, columns], len(cells.classes)
    areas = np.bincount(numbers, minlength=count)
    middle_y, middle_x = (np.bincount(numbers, places, count) / np.maximum(areas, 1) for places in (rows, columns))
    return [
        {
            "id": number,
            "confidence": None,
            "class": None if legend is None else legend.names[cells.classes[number]],
            "centroid_x_px": float(middle_x[number]),
            "centroid_y_px": float(middle_y[number]),
            "equivalent_diameter_px": float(np.sqrt(4 * areas[number] / np.pi)),
        }
        for number in range(1, count)
    ]


def write_pictures(folder: Path, name: str, pictures: Mapping[str, Image.Image]) -> None:
    """Write the pictures of an image as PNG files: all of them, or none where the system refuses one (a UserError)."""
    paths = {kind: folder / f"{name}_{kind}.png" for kind in pictures}
    with all_or_none([*paths.values()]):
        for kind, picture in pictures.items():
            _write(paths[kind], functools.partial(picture.save, format="PNG"))


def write_counts(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write a table as CSV; a UserError where the system refuses."""

    def write(file: IO[bytes]) -> None:
        lines = _Lines()
        csv.writer(lines, lineterminator="\n").writerows(rows)
        file.write("".join(lines).encode("utf-8", "backslashreplace"))

    _write(path, write)


class _Lines(list[str]):
    """A list that a CSV writer can write to."""

    write = list.append


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under another name first, so that it is there completely or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            write(file)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
