"""The run folder: the names of the files that a training leaves, and whether a folder can take them.

Nothing in it is ever overwritten by another run: a folder that holds a run is either resumed or refused.
"""

from __future__ import annotations

import json
import math
import shlex
import tempfile
import time
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.files.atomic import write_text

CONTENTS = {
    "model.safetensors": "the best model on validation, all that predict needs",
    "predictions.png": "test images with their masks and what the model says",
    "curves.png": "loss, Dice and IoU over the epochs",
    "augmentation.png": "what the training images look like once augmented",
    "metrics.json": "scores on the test images, pooled and one by one",
    "history.csv": "one row per epoch, written as it ends",
    "split.json": "which image is used for what",
    "config.json": "every setting",
    "last.safetensors": "the full state, to go on with --resume",
    "synthetic/": "the smears drawn, where no DATA was given",
}


class RunFolder:
    """The folder of one training.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.model = self.path / "model.safetensors"
        self.last = self.path / "last.safetensors"
        self.config = self.path / "config.json"
        self.split = self.path / "split.json"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.curves = self.path / "curves.png"
        self.predictions = self.path / "predictions.png"
        self.augmentation = self.path / "augmentation.png"
        self.synthetic = self.path / "synthetic"

    @classmethod
    def fresh(cls, parent: str | Path = "runs") -> RunFolder:
        """A folder named after the time, such as runs/2025-03-31-142500, that does not exist yet."""
        name = time.strftime("%Y-%m-%d-%H%M%S")
        path, number = Path(parent) / name, 1
        while path.exists():
            number += 1
            path = Path(parent) / f"{name}-{number}"
        return cls(path)

    def holds_run(self) -> bool:
        """Whether any file of a run is there."""
        return any((self.path / name).exists() for name in CONTENTS)

    def is_run(self) -> bool:
        """Whether this is the folder of a training, and not of an evaluation, which leaves a metrics.json too."""
        return any(path.is_file() for path in (self.config, self.last, self.model))

    def problems(self, resume: bool) -> list[str]:
        """One sentence for each reason why a run cannot be written here; leaves no trace."""
        if resume:
            if not self.path.is_dir():
                return [f"{self.path}: there is no such run folder to resume; check the path, or leave out --resume."]
            if not self.config.is_file():
                return [f"{self.path}: this folder holds no run (no config.json), so there is nothing to resume."]
        elif self.path.is_dir() and self.holds_run():
            return [
                f"{self.path} already holds a run: choose another --out, or go on with it: --resume {shlex.quote(str(self.path))}"
            ]
        nearest = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        try:
            # Tried, not asked: permissions do not tell of a read-only disk, a full one, or a file where a folder must be.
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as error:
            return [
                f"--out {self.path}: nothing can be written there ({error.strerror or error}); choose a folder you may write to."
            ]
        return []


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON that every reader accepts, whole or not at all: NaN and infinity become null."""
    write_text(path, json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of the run folder.

    Raises
    ------
    UserError
        Where it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); is this a run folder?") from error
    except ValueError as error:
        raise UserError(f"{path}: this is no JSON ({error}); restore it, or start a new run.") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
