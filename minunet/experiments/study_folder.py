"""The folder of a lab: the names of its files, and whether a lab can begin or go on there.

Nothing of another lab, or of anything else, is ever overwritten: other settings or other data are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import map_files
from minunet.data.split import Split
from minunet.errors import UserError
from minunet.experiments.study_settings import LabSettings
from minunet.files.atomic import utf8
from minunet.files.folders import unwritable
from minunet.files.json_files import read_json, write_json
from minunet.runs.run_folder import RunFolder
from minunet.runs.training_data import read_split, write_split
from minunet.version import __version__

CONTENTS = {
    "table.md": "the table beside the paper's numbers, and what it says",
    "figure.png": "the paper's panels a.1 to a.4 (M1) and b.1 to b.4 (M2)",
    "results.json": "every number, with the bounds that the masks imply",
    "runs/": "a run folder for each experiment, as minunet.train leaves it",
    "prepared/": "the images and the targets as the networks saw them",
    "lab.json": "every setting",
    "split.json": "which image is used for what",
    "synthetic/": "the smears drawn, where no DATA was given",
}


class LabFolder:
    """The folder of one lab.

    Parameters
    ----------
    path : str or Path
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.lab = self.path / "lab.json"
        self.synthetic = self.path / "synthetic"
        self.prepared = self.path / "prepared"
        self.runs = self.path / "runs"
        self.table = self.path / "table.md"
        self.results = self.path / "results.json"
        self.figure = self.path / "figure.png"

    def run(self, name: str) -> RunFolder:
        """The run folder of an experiment."""
        return RunFolder(self.runs / name)

    def as_run(self) -> RunFolder:
        """The lab's own split and drawn smears, which lie where those of a run do."""
        return RunFolder(self.path)

    def holds_lab(self) -> bool:
        """Whether a lab was begun here."""
        return self.lab.is_file()

    def problems(self) -> list[str]:
        """One sentence for each reason why a lab cannot be kept here; leaves no trace."""
        if self.path.is_dir() and not self.holds_lab() and any(self.path.iterdir()):
            return [f"--out {self.path}: this folder holds other files and no lab; name another folder, or a new one."]
        obstacle = unwritable(self.path)
        return [f"--out {obstacle}."] if obstacle else []

    def settings(self) -> LabSettings:
        """The settings of the lab that is here.

        Raises
        ------
        UserError
            Where lab.json cannot be used.
        """
        return LabSettings.from_dict(self._stored()["settings"], str(self.lab))

    def begin(self, settings: LabSettings, pairs: Sequence[Pair] | None = None) -> None:
        """Make the folder, or go on in it, and remember the settings and the data.

        Parameters
        ----------
        settings : LabSettings
            Those of the lab that is here, if one is; only where the data lies may differ.
        pairs : sequence of Pair, optional
            The data, once it is there.

        Raises
        ------
        UserError
            Where a name, an image or a mask is another one than when the lab was begun; nothing is changed then.
        """
        known = self._stored()["data"] if self.holds_lab() else None
        now = known if pairs is None else {"pairs": len(pairs), "fingerprint": fingerprint(pairs)}
        if known not in (None, now):
            raise UserError(
                f"{self.path}: this lab was begun on other data ({known['pairs']} pairs; now {len(pairs)}, or some of them "
                "changed), and its experiments must see the same; name another --out for this data."
            )
        write_json(self.lab, {"settings": settings.to_dict(), "data": now, "version": __version__})

    def split(self, split: Split) -> Split:
        """The split of this lab, which is `split` at the first call."""
        stored = self.as_run().split
        if stored.is_file():
            return read_split(self.as_run(), [*split.train, *split.validation, *split.test])
        write_split(split, self.as_run())
        return split

    def _stored(self) -> dict[str, Any]:
        stored = read_json(self.lab)
        if not isinstance(stored, dict) or not isinstance(stored.get("settings"), dict) or "data" not in stored:
            raise UserError(f"{self.lab}: this is no lab of minunet.paper; restore it, or name another --out.")
        return stored


def fingerprint(pairs: Sequence[Pair]) -> str:
    """A digest of the names and every byte of the files."""
    digests = map_files(_digest, pairs, None)
    return hashlib.sha256(utf8("\n".join(digests))).hexdigest()


def _digest(pair: Pair) -> str:
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (pair.image, pair.mask)]
    return f"{pair.name} {parts[0]} {parts[1]}"
