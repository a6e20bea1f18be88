"""warnings.json: what went wrong in a training, a list of {"kind", "epoch", "message"}; written again with each new warning.

A run without warnings has an empty list; metrics.json has the same list as "warnings". Runs of older versions have neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from minunet.errors import UserError
from minunet.files.json_files import read_json, write_json
from minunet.training.watch_record import TrainingWarning
from minunet.wording import shorten


def write_warnings(path: Path, warnings: Iterable[TrainingWarning]) -> None:
    """Write the file, in the order in which they were noticed."""
    write_json(path, [warning.to_dict() for warning in warnings])


def read_warnings(path: Path) -> list[TrainingWarning]:
    """The warnings; none where there is no file.

    Raises
    ------
    UserError
        If it cannot be read, or holds something else.
    """
    if not path.is_file():
        return []
    stored = read_json(path)
    try:
        if not isinstance(stored, list):
            raise ValueError("it is no list")
        return [TrainingWarning.from_dict(values) for values in stored]
    except ValueError as error:
        raise UserError(
            f"{path}: these are not the warnings of a training ({shorten(error)}); remove the file."
        ) from error
