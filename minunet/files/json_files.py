"""JSON files: read with an error that names the file, written whole or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.files.atomic_write import write_text
from minunet.files.reading import read_regular
from minunet.wording import shorten

LARGEST = 200_000_000  # bytes; the names of a million images take less


def write_json(path: str | Path, value: Any) -> Path:
    """Write `value` as JSON that every reader accepts: NaN and infinity become null, tuples become lists."""
    return write_text(path, json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    UserError
        If it is missing or is not JSON.
    """
    try:
        return json.loads(read_regular(path, LARGEST).decode("utf-8"))
    except OSError as error:
        raise UserError(
            f"{shorten(path, 1000)}: cannot be read ({error.strerror or error}); check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        reason = shorten(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise UserError(f"{path}: this is not JSON ({reason}); restore the file, or start again without it.") from error


def is_finite_number(value: object) -> bool:
    """Whether what was read from a JSON file is a number; true and false are none, and neither are NaN and infinity.

    Examples
    --------
    >>> is_finite_number(3), is_finite_number(True), is_finite_number(float("nan")), is_finite_number("3")
    (True, False, False, False)
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def finite(value: Any) -> Any:
    """A value for JSON: NaN and infinity are None, tuples are lists."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
