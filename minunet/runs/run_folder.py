"""The run folder: the names of the files that a training writes, and whether a folder can be used for one.

No run ever overwrites the files of another: a folder that holds a run is either resumed or refused.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from minunet.files.folders import fresh_folder, unwritable
from minunet.files.names import unusable_name
from minunet.wording import shorten

CONTENTS = {
    "report.html": "all of it to look at in a browser, if Jinja2 is installed",
    "model.safetensors": "the best model on validation, all that predict needs",
    "predictions.png": "test images with their masks and the model's predictions",
    "curves.png": "loss, Dice and IoU over the epochs",
    "augmentation.png": "training images after augmentation",
    "metrics.json": "scores on the test images, pooled and one by one",
    "history.csv": "one row per epoch, written as it ends",
    "warnings.json": "what went wrong in the training, and what to do about it",
    "split.json": "which image is used for what",
    "config.json": "every setting",
    "last.safetensors": "the full state, to go on with --resume",
    "synthetic/": "the smears that were drawn, where no DATA was given",
    "given/": "the images that a program gave to minunet.fit",
}

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


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
        self.warnings = self.path / "warnings.json"
        self.metrics = self.path / "metrics.json"
        self.curves = self.path / "curves.png"
        self.predictions = self.path / "predictions.png"
        self.augmentation = self.path / "augmentation.png"
        self.synthetic = self.path / "synthetic"
        self.given = self.path / "given"

    @classmethod
    def fresh(cls, parent: str | Path = "runs") -> RunFolder:
        """A folder named after the time that does not exist yet."""
        return cls(fresh_folder(parent))

    def holds_run(self) -> bool:
        """Whether any file of a run is there."""
        return any(os.path.lexists(self.path / name) for name in CONTENTS)

    def is_run(self) -> bool:
        """Whether this is the folder of a training; an evaluation also writes a metrics.json."""
        return any(os.path.isfile(path) for path in (self.config, self.last, self.model))

    def holds_only_a_run(self) -> bool:
        """Whether the folder is one of a training, and of nothing else: its pictures are no images of cells."""
        if not self.config.is_file() or not (self.model.is_file() or self.last.is_file() or self.split.is_file()):
            return False
        own = {name.rstrip("/") for name in CONTENTS}
        others = [path for path in self.path.iterdir() if path.name not in own and not path.name.startswith(".")]
        return not any(path.is_dir() or path.suffix.lower() in PICTURES for path in others)

    def remove_settings(self, *, drawn: bool) -> None:
        """Remove what a run wrote that could not begin: its settings, its split and, where it has drawn them, its smears."""
        for path in (self.config, self.split):
            path.unlink(missing_ok=True)
        if drawn:
            shutil.rmtree(self.synthetic, ignore_errors=True)

    def problems(self, resume: bool) -> list[str]:
        """One sentence for each reason why a run cannot be written here; changes nothing on disk."""
        if reason := unusable_name(self.path):
            return [f"{'--resume' if resume else '--out'} {shorten(self.path, 1000)}: {reason}; check the path."]
        if resume:
            if not os.path.isdir(self.path):
                return [f"{self.path}: there is no such run folder to resume; check the path, or leave out --resume."]
            if not os.path.isfile(self.config):
                return [f"{self.path}: this folder holds no run (no config.json), so there is nothing to resume."]
        elif os.path.isdir(self.path) and self.holds_run():
            return [
                f"{self.path} already holds a run: choose another --out, or go on with it: --resume {shlex.quote(str(self.path))}"
            ]
        obstacle = unwritable(self.path)
        return [f"--out {self.path}: {obstacle}"] if obstacle else []


def given_as_images(path: str | Path | None, remedy: str) -> list[str]:
    """A sentence where a run folder was given in the place of images; `remedy` says what to type."""
    if path is None or not os.path.isdir(path) or not RunFolder(path).holds_only_a_run():
        return []
    return [f"{path} is the folder of a training, and its pictures are no images of cells: {remedy}."]
