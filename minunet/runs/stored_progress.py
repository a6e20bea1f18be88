"""Stored progress: whether the progress and the history in a training state have the right types and ranges, and agree.

A wrong number would not be noticed later: with a missing best epoch, another model would be tested; with NaN, no epoch is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minunet.checkpoints.training_state import MOST_STEPS, TrainingState
from minunet.files.json_files import is_finite_number
from minunet.training.events import COLUMNS, EpochRecord, TrainingProgress
from minunet.training.watch_record import TrainingWarning

_COUNTS = ("epoch", "step", "batch", "images", "best_epoch")
_OVERLAP = ("true_positive", "false_positive", "false_negative", "true_negative")
_ANY_NUMBER = ("lr", "train_loss", "val_loss", "seconds")  # the other measures of an epoch are shares


def read_progress(state: TrainingState, monitor: str) -> TrainingProgress:
    """The progress of a state that `minunet.train` wrote.

    Parameters
    ----------
    state : TrainingState
    monitor : "dice" or "loss"
        The measure that chooses the best epoch.

    Raises
    ------
    ValueError
        With the first problem.
    """
    values = state.extra.get("progress")
    if not isinstance(values, dict) or set(values) != set(TrainingProgress().to_dict()):
        raise ValueError("it has no progress")
    _check_values(values)
    for number, row in enumerate(state.history, start=1):
        _check_row(number, row)
    progress = TrainingProgress.from_dict(values, state.history)
    progress.warnings = _read_warnings(state.extra.get("warnings", []))  # which states of older versions do not have
    _check_agreement(progress, state)
    _check_best(progress, monitor)
    return progress


def _check_values(values: Mapping[str, Any]) -> None:
    overlap = values["overlap"]
    if not isinstance(overlap, dict) or set(overlap) != set(_OVERLAP):
        raise ValueError("its pixel counts are not complete")
    for name, value in [*((name, values[name]) for name in _COUNTS), *overlap.items()]:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST_STEPS:
            raise ValueError(f"{name} is not a count")
    if not is_finite_number(values["loss"]) or not is_finite_number(values["seconds"]) or values["seconds"] < 0:
        raise ValueError("its loss or its seconds are not numbers")
    if values["best_value"] is not None and not is_finite_number(values["best_value"]):
        raise ValueError("its best value is not a number")


def _read_warnings(values: Any) -> list[TrainingWarning]:
    if not isinstance(values, list):
        raise ValueError("its warnings are not a list")
    return [TrainingWarning.from_dict(value) for value in values]


def _check_row(number: int, row: Mapping[str, Any]) -> None:
    if set(row) != set(COLUMNS):
        raise ValueError(f"epoch {number} of its history is not complete")
    for name, value in row.items():
        if name == "best":
            usable = isinstance(value, bool)
        elif name in ("epoch", "step"):
            usable = isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST_STEPS
        else:
            usable = is_finite_number(value) and (name in _ANY_NUMBER or 0 <= value <= 1)
        if not usable or (name in ("lr", "seconds") and value < 0):
            raise ValueError(f"{name} of epoch {number} of its history is not usable")


def _check_agreement(progress: TrainingProgress, state: TrainingState) -> None:
    steps = [row.step for row in progress.history]
    last = steps[-1] if steps else 0
    updates = state.optimizer.get("step", progress.step)
    if [row.epoch for row in progress.history] != list(range(1, progress.epoch + 1)):
        raise ValueError("its history does not have the epochs that it says are done")
    if any(later <= earlier for earlier, later in zip([0, *steps], steps, strict=False)):
        raise ValueError("the steps of its history do not grow")
    if not progress.step == state.step == updates == last + progress.batch or progress.epoch != state.epoch:
        raise ValueError("its counts of epochs and steps do not agree")
    if (progress.images or progress.overlap.pixels) and not progress.batch:
        raise ValueError("its counts of the unfinished epoch do not agree")


def _check_best(progress: TrainingProgress, monitor: str) -> None:
    best: EpochRecord | None = None
    for row in progress.history:
        better = best is None or _is_better(row, best, monitor)
        if better != row.best:
            raise ValueError(
                f"epoch {row.epoch} is {'not ' if better else ''}marked as the best in its history, wrongly"
            )
        best = row if better else best
    expected = (0, None) if best is None else (best.epoch, _monitored(best, monitor))
    if (progress.best_epoch, progress.best_value) != expected:
        raise ValueError("its best epoch is not the best of its history")


def _is_better(row: EpochRecord, best: EpochRecord, monitor: str) -> bool:
    value, earlier = _monitored(row, monitor), _monitored(best, monitor)
    return value < earlier if monitor == "loss" else value > earlier


def _monitored(row: EpochRecord, monitor: str) -> float:
    return row.val_loss if monitor == "loss" else row.val_dice


def differing(stored: Mapping[str, Any], current: Mapping[str, Any], ignored: Sequence[str]) -> list[str]:
    """The names of the settings that both have, with other values."""
    return [name for name in stored if name in current and name not in ignored and stored[name] != current[name]]
