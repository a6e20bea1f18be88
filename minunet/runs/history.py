"""history.csv: one row per epoch with the columns of `EpochRecord`, so that any table or plotting program can follow a run.

Numbers are written so that they read back exactly; `seconds` are wall-clock seconds, `best` is 0 or 1.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

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
        """Write the header and the rows so far; what the file held besides is dropped, such as an epoch that was not saved."""
        write_text(self.path, _text([COLUMNS, *(_values(row) for row in rows)]))

    def append(self, row: EpochRecord) -> None:
        """Add one row, on the disk before this returns.

        Raises
        ------
        UserError
            Where the system refuses.
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
            return [
                EpochRecord(**{name: _number(name, text) for name, text in row.items()}) for row in csv.DictReader(file)
            ]


def _values(row: EpochRecord) -> list[int | float]:
    return [int(value) if isinstance(value, bool) else value for value in row.to_dict().values()]


def _number(name: str, text: str) -> int | float | bool:
    if name == "best":
        return text == "1"
    return int(text) if name in ("epoch", "step") else float(text)


def _text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
