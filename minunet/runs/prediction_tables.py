"""The tables of a folder of predictions: cells.csv with a row a cell, images.csv with a row an image, and summary.txt in words.

They hold every image of the folder: rows of earlier predictions stay, and those of images that are predicted again are replaced.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cells.cell_measures import CELL_COLUMNS, MICROMETRE_COLUMNS
from minunet.cells.class_measures import CLASS_COLUMNS, COUNT, INNER_AREA_UM2
from minunet.cells.image_summary import IMAGE_COLUMNS, IN_MICROMETRES
from minunet.errors import UserError
from minunet.files.atomic_write import utf8, write_text
from minunet.files.reading import read_regular
from minunet.wording import count_noun

CELL_TABLE, IMAGE_TABLE, SUMMARY = "cells.csv", "images.csv", "summary.txt"
TABLES = {
    CELL_TABLE: "a row a cell: size, shape, stain, place, confidence",
    IMAGE_TABLE: "a row an image: count, interval, sizes, clumps, notes",
    SUMMARY: "the result in words",
}
_FIRST, *_OTHERS = CELL_COLUMNS
COLUMNS = {
    CELL_TABLE: ["image", _FIRST, *CLASS_COLUMNS, *_OTHERS, *MICROMETRE_COLUMNS, INNER_AREA_UM2],
    IMAGE_TABLE: [*IMAGE_COLUMNS],
}
# Left out where no image has a pixel size, or no model has classes.
OPTIONAL = {*MICROMETRE_COLUMNS, *IN_MICROMETRES, *CLASS_COLUMNS, INNER_AREA_UM2}
INTERVAL = 30.0  # seconds
LARGEST = 2_000_000_000  # bytes of a table

TableRow = dict[str, Any]


class PredictionTables:
    """The tables of a folder.

    Parameters
    ----------
    folder : Path
        Rows that it has already are read.

    Raises
    ------
    UserError
        If a file of these names is there and is not such a table.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._written = time.monotonic()
        problems: list[str] = []
        self._rows: dict[str, dict[str, list[TableRow]]] = {}  # by table and image
        for table in COLUMNS:
            self._rows[table] = {}
            try:
                for row in _read(folder / table, COLUMNS[table]):
                    self._rows[table].setdefault(row["image"], []).append(row)
            except UserError as error:
                problems += error.problems
        if problems:
            raise UserError(problems)

    def add(self, image: TableRow, cells: Iterable[TableRow]) -> None:
        """Add an image with its cells, or replace it; every half a minute the files are written, in case the process is killed.

        Raises
        ------
        UserError
            If the system refuses.
        """
        name = image["image"]
        self._rows[CELL_TABLE][name] = [{"image": name, **cell} for cell in cells]
        self._rows[IMAGE_TABLE][name] = [image]
        if time.monotonic() - self._written > INTERVAL:
            self.write()

    def write(self) -> None:
        """Write the three files, sorted by image; columns in micrometres are there where an image has them.

        Raises
        ------
        UserError
            If the system refuses.
        """
        for table in self._rows:
            rows = self._sorted(table)
            counts = dict.fromkeys(name for row in rows for name in row if name.startswith(COUNT))
            write_text(self.folder / table, csv_of(rows, [*COLUMNS[table], *counts]))
        self._written = time.monotonic()
        write_text(self.folder / SUMMARY, "\n".join(self.summary()) + "\n")

    def images(self) -> list[TableRow]:
        """The rows of the images, sorted by image."""
        return self._sorted(IMAGE_TABLE)

    def summary(self) -> list[str]:
        """The result of all images of the folder in words."""
        return summary_lines(self.images(), self._diameters(), self._ratios())

    def _sorted(self, table: str) -> list[TableRow]:
        """The rows of a table, sorted by image: nothing depends on the order in which images were predicted."""
        images = self._rows[table]
        return [row for name in sorted(images, key=lambda name: (name.casefold(), name)) for row in images[name]]

    def _ratios(self) -> list[float]:
        """The ratio of nucleus to cytoplasm of every cell that has one and does not reach the edge of its image."""
        ratios = [
            _number(row.get("nucleus_to_cytoplasm_ratio"))
            for row in self._sorted(CELL_TABLE)
            if str(row["touches_edge"]) == "0"
        ]
        return [ratio for ratio in ratios if ratio is not None]

    def _diameters(self) -> list[tuple[float, float | None]]:
        """The diameter of every cell that does not reach the edge of its image, in pixels, and in micrometres where known."""
        return [
            (float(row["equivalent_diameter_px"]), _number(row.get("equivalent_diameter_um")))
            for row in self._sorted(CELL_TABLE)
            if str(row["touches_edge"]) == "0"
        ]


def table_problems(folder: Path) -> list[str]:
    """The reasons why the tables cannot be written to a folder, a sentence each: other files of their names are there."""
    try:
        PredictionTables(folder)
    except UserError as error:
        return error.problems
    return []


def recorded_images(folder: Path) -> Callable[[str], bool]:
    """Whether the table of images in a folder has a row of an image, by its name.

    Raises
    ------
    UserError
        As `PredictionTables`.
    """
    names = {row["image"] for row in _read(folder / IMAGE_TABLE, COLUMNS[IMAGE_TABLE])}
    return lambda name: utf8(name).decode() in names


def summary_lines(
    images: Sequence[TableRow], diameters: Sequence[tuple[float, float | None]], ratios: Sequence[float] = ()
) -> list[str]:
    """Images, cells and sizes as sentences for a reader.

    Parameters
    ----------
    images : sequence of dict
        Rows of images.csv.
    diameters : sequence of (float, float or None)
        Of the cells that are measured, in pixels and in micrometres.
    ratios : sequence of float
        Of the area of the nucleus to that of the cytoplasm, of the cells that have one.
    """
    cells = sum(int(row["cells"]) for row in images)
    ends = [(_number(row["cells_low"]), _number(row["cells_high"])) for row in images]
    known = [(low, high) for low, high in ends if low is not None and high is not None]
    interval = ""
    if images and len(known) == len(images):
        interval = f" ({sum(low for low, _ in known):,.0f} to {sum(high for _, high in known):,.0f})"
    lines = [f"{count_noun(len(images), 'image')}, {count_noun(cells, 'cell')}{interval}"]
    if diameters:
        in_um = [um for _, um in diameters if um is not None]
        unit, values = ("um", in_um) if len(in_um) == len(diameters) else ("px", [px for px, _ in diameters])
        lines[0] += f", median diameter {np.median(values):.1f} {unit}"
        if len(values) > 1:
            lines.append(
                f"size CV {100 * np.std(values, ddof=1) / np.mean(values):.1f} % over all cells inside the images"
            )
    doubtful, clumps = (sum(int(row[name]) for row in images) for name in ("doubtful_cells", "clumps"))
    if cells:
        lines.append(f"{count_noun(clumps, 'clump')} of touching cells; {count_noun(doubtful, 'doubtful cell')}")
    if by_class := _class_totals(images):
        lines.append("by class: " + ", ".join(f"{number:,} {name}" for name, number in by_class.items()))
    if ratios:
        lines.append(
            f"nucleus to cytoplasm, by area: median {np.median(ratios):.2f} of {count_noun(len(ratios), 'cell')} inside the images"
        )
    noted = [str(row["image"]) for row in images if row["notes"]]
    if noted:
        lines.append(f"{count_noun(len(noted), 'image')} with notes, see {IMAGE_TABLE}: {', '.join(noted[:3])}")
    return lines


def _class_totals(images: Sequence[TableRow]) -> dict[str, int]:
    """The cells of each class in all images; empty where no model had classes."""
    totals: dict[str, int] = {}
    for row in images:
        for name, value in row.items():
            if name.startswith(COUNT) and value not in (None, ""):
                totals[name.removeprefix(COUNT)] = totals.get(name.removeprefix(COUNT), 0) + int(value)
    return totals


def csv_of(rows: Sequence[TableRow], columns: Sequence[str]) -> str:
    """Rows as CSV; numbers with six significant digits, an empty field for None, optional columns only where they have values."""
    used = [name for name in columns if name not in OPTIONAL or any(row.get(name) not in (None, "") for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([_field(row.get(name)) for name in used] for row in rows)
    return text.getvalue()


def _field(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else utf8(str(value)).decode()


def _number(value: Any) -> float | None:
    return None if value in (None, "") else float(value)


def _read(path: Path, columns: Sequence[str]) -> list[TableRow]:
    """The rows of a table; none where there is no file."""
    if not path.is_file():
        return []
    try:
        text = read_regular(path, LARGEST).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text), strict=True)
        header = reader.fieldnames or []
        needed = [name for name in columns if name not in OPTIONAL]
        if [name for name in header if name not in OPTIONAL and not name.startswith(COUNT)] != needed:
            raise ValueError("its columns are others")
        rows = [dict(row) for row in reader]
        for row in rows:
            if None in row or None in row.values():
                raise ValueError("a row has too many or too few fields")
            for name in ("cells", "doubtful_cells", "clumps", "area_px2", "equivalent_diameter_px"):
                if name in row:
                    float(row[name])
            for name, value in row.items():
                if name.startswith(COUNT) and value:
                    int(value)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); move it away.") from error
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"{path}: is there already, and is no table that predict wrote ({error}); move it away, or choose another folder."
        ) from error
    return rows
