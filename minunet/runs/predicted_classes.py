"""Predicted classes: the class of each cell in a folder of predictions, as the tables of predict name it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from minunet.cells.class_measures import COUNT
from minunet.errors import UserError
from minunet.runs.prediction_tables import CELL_TABLE, IMAGE_TABLE
from minunet.runs.report_sections import table_lines

FIELDS = ("image", "id", "class")  # of a table that names the class of each cell


@dataclass(frozen=True)
class PredictedClasses:
    """The classes of the cells of predictions.

    Attributes
    ----------
    cells : mapping
        The class of each cell, by the name of its image in cells.csv, then by its number.
    names : tuple of str
        The classes that cells can have, also those of which there is no cell; empty for a model without classes.
    """

    cells: Mapping[str, Mapping[int, str]]
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> PredictedClasses:
        """Those of a folder; raises UserError for a table that cannot be read."""
        cells: dict[str, dict[int, str]] = {}

        def add(row: dict[str, str]) -> None:
            if row["class"]:
                cells.setdefault(row["image"], {})[int(row["id"])] = row["class"]

        _read_table(folder / CELL_TABLE, FIELDS, add)
        columns = _read_table(folder / IMAGE_TABLE)
        counted = [column.removeprefix(COUNT) for column in columns if column.startswith(COUNT)]
        found = sorted({name for of_image in cells.values() for name in of_image.values()})
        return cls(cells, tuple(dict.fromkeys([*counted, *found])))

    def numbers(self, image: str, name: str) -> list[int]:
        """The numbers of the cells of a class in an image."""
        return [number for number, found in self.cells.get(image, {}).items() if found == name]


NO_CLASSES = PredictedClasses({})


def _read_table(
    table: Path, fields: Sequence[str] = (), add: Callable[[dict[str, str]], None] | None = None
) -> Sequence[str]:
    """The names of the columns of a table, none where there is no table; `add` gets each row where it has the `fields`."""
    if not table.is_file():
        return ()
    try:
        reader = csv.DictReader(table_lines(table), strict=True)
        columns = tuple(reader.fieldnames or ())
        if add is not None and set(fields) <= set(columns):
            for row in reader:
                add(row)
    except OSError as error:
        raise UserError(f"{table}: cannot be read ({error.strerror or error}); move it away.") from error
    except (TypeError, ValueError, csv.Error) as error:
        raise UserError(f"{table}: is damaged ({error}); move it away to compare without classes.") from error
    return columns
