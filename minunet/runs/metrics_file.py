"""The metrics file of a run, metrics.json: read with a check that the scores that are needed are there and are numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.files.json_files import is_finite_number, read_json


def read_metrics(path: Path, *needed: str) -> dict[str, Any]:
    """The content of a metrics.json that a training wrote.

    Parameters
    ----------
    path : Path
    needed : str
        Entries that must be there; those that are there are checked in any case.

    Raises
    ------
    UserError
        If it cannot be read, or where an entry is missing or has another type than training gives it.
    """
    metrics = read_json(path)
    if isinstance(metrics, dict) and all(name in metrics for name in needed):
        wrong = [name for name, is_usable in _CHECKS.items() if name in metrics and not is_usable(metrics[name])]
        if not wrong and metrics.get("best_epoch", 1) <= metrics.get("epochs", math.inf):
            return metrics
    raise UserError(
        f"{path}: these are not the scores of a training; remove the file, and --resume the run to score it again."
    )


def _is_score(value: Any) -> bool:
    """A finite number; in JSON, any other is null."""
    return value is None or is_finite_number(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_scores(value: Any) -> bool:
    return isinstance(value, dict) and "dice" in value and all(map(_is_score, value.values()))


def _are_images(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict) and isinstance(row.get("name", ""), str) and _is_score(row.get("dice")) for row in value
    )


_CHECKS = {
    "test": _are_scores,
    "test_images": _are_images,
    "best_epoch": _is_count,
    "epochs": _is_count,
    "seconds": _is_score,
}
