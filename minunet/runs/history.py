"""history.csv: one row for each epoch with the columns of `EpochRecord`, so that other programs can follow a run.

Numbers are written exactly; `seconds` are wall-clock seconds, `best` is 0 or 1.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.files.atomic import write_text
from minunet.training.events import COLUMNS, EpochRecord


class HistoryFile:
    """The file of one run.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def begin(self, rows: Iterable[EpochRecord] = ()) -> None:
        """Write the header and the rows so far; other rows are dropped, such as that of an epoch that was not saved."""
        write_text(self.path, _text([COLUMNS, *(_values(row) for row in rows)]))

    def append(self, row: EpochRecord) -> None:
        """Add one row; it is on the disk when this returns.

        Raises
        ------
        UserError
            If the file cannot be written.
        """
        try:
            with open(self.path, "a", encoding="utf-8", newline="") as file:
                file.write(_text([_values(row)]))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror or error}); free some space.") from error

    def read(self) -> list[EpochRecord]:
        """The rows."""
        with open(self.path, encoding="utf-8", newline="") as file:
            return [EpochRecord(**_numbers(row)) for row in csv.DictReader(file)]


def _values(row: EpochRecord) -> list[int | float]:
    return [int(value) if isinstance(value, bool) else value for value in row.to_dict().values()]


def _numbers(row: Mapping[str, str]) -> dict[str, Any]:
    """The values of a row, each with its own type."""
    types: dict[str, Callable[[str], Any]] = {"epoch": int, "step": int, "best": "1".__eq__}
    return {name: types.get(name, float)(text) for name, text in row.items()}


def _text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
