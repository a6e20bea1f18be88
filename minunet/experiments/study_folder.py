"""The folder of a paper study: the names of its files, and whether a study can start or continue there.

Nothing of another study, or of anything else, is ever overwritten: other settings or other data are refused.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import map_files
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.pair_files import mask_files
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments.experiment import Experiment
from minunet.experiments.study_settings import StudySettings
from minunet.files.atomic_write import utf8
from minunet.files.folders import unwritable
from minunet.files.json_files import read_json, write_json
from minunet.files.lock import LOCK
from minunet.files.reading import file_sha256
from minunet.runs.run_folder import RunFolder
from minunet.runs.split_file import read_split, write_split
from minunet.version import __version__

STUDY_CONTENTS = {
    "report.html": "all of it to look at in a browser, if Jinja2 is installed",
    "table.md": "the table beside the paper's numbers, and its meaning",
    "figure.png": "the paper's panels a.1 to a.4 (M1) and b.1 to b.4 (M2)",
    "results.json": "every number, with the limits that the masks set",
    "runs/": "a run folder for each experiment, as minunet.train writes it",
    "prepared/": "the images and the targets as the networks saw them",
    "lab.json": "every setting",
    "split.json": "which image is used for what",
    "synthetic/": "the smears that were drawn, where no DATA was given",
}


class StudyFolder:
    """The folder of one study.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.settings_file = self.path / "lab.json"
        self.prepared = self.path / "prepared"
        self.runs = self.path / "runs"
        self.table = self.path / "table.md"
        self.results = self.path / "results.json"
        self.figure = self.path / "figure.png"

    def run(self, experiment: Experiment) -> RunFolder:
        """The run folder of an experiment."""
        return RunFolder(self.runs / experiment.name)

    def as_run(self) -> RunFolder:
        """The same folder as a run folder: the names of the split and of the drawn smears are those of a run."""
        return RunFolder(self.path)

    def holds_study(self) -> bool:
        """Whether there is a study here."""
        return os.path.isfile(self.settings_file)

    def problems(self) -> list[str]:
        """One sentence for each reason why a study cannot be written here; changes nothing on disk."""
        others = os.path.isdir(self.path) and any(path.name != LOCK for path in self.path.iterdir())
        if others and not self.holds_study():
            return [
                f"--out {self.path}: this folder holds other files and no study; name another folder, or a new one."
            ]
        obstacle = unwritable(self.path)
        return [f"--out {self.path}: {obstacle}"] if obstacle else []

    def settings(self) -> StudySettings:
        """The settings of the study that is here.

        Raises
        ------
        UserError
            If lab.json cannot be used.
        """
        return StudySettings.from_dict(self._stored()["settings"], str(self.settings_file))

    def begin(self, settings: StudySettings, pairs: Sequence[Pair] | None = None) -> None:
        """Create the folder, or use the existing one, and store the settings and a digest of the data.

        Parameters
        ----------
        settings : StudySettings
            Those of the study that is here, if there is one; only the place of the data may differ.
        pairs : sequence of Pair, optional
            The data, once it is known.

        Raises
        ------
        UserError
            If a name, an image or a mask is not the same as at the start of the study; nothing is changed then.
        """
        data = self._stored()["data"] if self.holds_study() else None
        if pairs is not None:
            current = {"pairs": len(pairs), "fingerprint": fingerprint(pairs)}
            if data not in (None, current):
                raise UserError(
                    f"{self.path}: this study was begun on other data ({data['pairs']} pairs; now {len(pairs)}, or some of them "
                    "changed), and its experiments must see the same; name another --out for this data."
                )
            data = current
        write_json(self.settings_file, {"settings": settings.to_dict(), "data": data, "version": __version__})

    def split(self, split: Split, reading: MaskReading | None = None) -> Split:
        """The split of this study, which is `split` at the first call; the reading of the masks is stored with it."""
        run = self.as_run()
        if run.split.is_file():
            return read_split(run, [*split.train, *split.validation, *split.test])
        write_split(split, run, reading=reading)
        return split

    def reading(self) -> MaskReading | None:
        """How the masks of this study are read, as `split` stored it; None in studies of older versions."""
        stored = read_json(self.as_run().split).get("reading")
        return None if stored is None else MaskReading.from_dict(stored)

    def _stored(self) -> dict[str, Any]:
        stored = read_json(self.settings_file)
        if (
            not isinstance(stored, dict)
            or not isinstance(stored.get("settings"), dict)
            or not _is_data(stored.get("data", 0))
        ):
            raise UserError(
                f"{self.settings_file}: this is not the file of a study of minunet.paper; restore it, or name another --out."
            )
        return stored


def fingerprint(pairs: Sequence[Pair]) -> str:
    """A digest of the names and every byte of the files."""
    digests = map_files(_digest, pairs, None)
    return hashlib.sha256(utf8("\n".join(digests))).hexdigest()


def _digest(pair: Pair) -> str:
    return " ".join([pair.name, *(file_sha256(path) for path in (pair.image, *mask_files(pair)))])


def _is_data(value: Any) -> bool:
    """Whether a value can be what `StudyFolder.begin` stores of the data."""
    if not isinstance(value, dict):
        return value is None
    pairs, digest = value.get("pairs"), value.get("fingerprint")
    return isinstance(pairs, int) and not isinstance(pairs, bool) and pairs > 0 and isinstance(digest, str)
