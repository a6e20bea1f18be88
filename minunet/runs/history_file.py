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
from minunet.files.atomic_write import write_text
from minunet.files.json_files import LARGEST
from minunet.files.reading import read_regular
from minunet.training.events import COLUMNS, EpochRecord
from minunet.wording import shorten


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
        """The rows.

        Raises
        ------
        UserError
            If the file cannot be read, or holds something else than rows of epochs that count from 1.
        """
        try:
            text = read_regular(self.path, LARGEST).decode("utf-8")
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            if rows[:1] != [list(COLUMNS)] or any(len(row) != len(COLUMNS) for row in rows):
                raise ValueError("its columns are not those of a history")
            records = [EpochRecord(**_numbers(dict(zip(COLUMNS, row, strict=True)))) for row in rows[1:]]
            if [record.epoch for record in records] != list(range(1, len(records) + 1)):
                raise ValueError("its epochs do not count from 1")
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror or error}); check the path.") from error
        except (ValueError, csv.Error) as error:
            raise UserError(
                f"{self.path}: this is not a history ({shorten(error)}); --resume the run, which writes it again."
            ) from error
        return records


def _values(row: EpochRecord) -> list[int | float]:
    return [int(value) if isinstance(value, bool) else value for value in row.to_dict().values()]


def _numbers(row: Mapping[str, str]) -> dict[str, Any]:
    """The values of a row, each with its own type."""
    types: dict[str, Callable[[str], Any]] = {"epoch": int, "step": int, "best": _flag}
    return {name: types.get(name, float)(text) for name, text in row.items()}


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("best is neither 0 nor 1")
    return text == "1"


def _text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
