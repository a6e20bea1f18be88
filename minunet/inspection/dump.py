"""The dump of a data set: what training sees of it, written as plain pictures that any program opens.

It has images/NAME.png, masks/NAME.png, labels/NAME.png where cells are numbered, pairs.csv and sheet.png.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from minunet.data.pairs import Pair
from minunet.data.reading.pair_files import mask_files
from minunet.data.reading.preprocessing import as_picture
from minunet.errors import UserError
from minunet.files.atomic_write import utf8
from minunet.files.folders import unwritable
from minunet.files.lock import FolderLock
from minunet.files.names import resolved
from minunet.files.whole_set import remove_remains, whole_set_problems, written_whole
from minunet.inspection.document import pair_rows
from minunet.inspection.inspection import Inspection
from minunet.inspection.outline_sheet import outline_sheet
from minunet.inspection.pair_measures import PreparedPair
from minunet.results.picture import png_bytes
from minunet.results.score_tables import csv_text
from minunet.wording import join_names

# They are moved in this order: the table is there only at the end.
PARTS = ("images", "masks", "labels", "sheet.png", "pairs.csv")
IGNORED_GREY = 128  # between background, 0, and cell, 255
MOST_LABELS = 65535  # of a 16-bit picture
FAST = 1  # compression of PNG


def dump_problems(out: Path, data: Sequence[Path], pairs: Iterable[Pair]) -> list[str]:
    """Why a dump cannot be written to a folder, a sentence each; nothing on disk is changed.

    Parameters
    ----------
    out : Path
    data : sequence of Path
        The folders that the user gave.
    pairs : iterable of Pair
    """
    if problem := unwritable(out):
        return [f"--dump {out}: {problem}"]
    pairs = list(pairs)
    folders, target = data_folders(data, pairs), resolved(out)
    inside = sorted(str(folder) for folder in folders if target == folder or folder in target.parents)
    written = {target / part for part in PARTS}
    mixed = sorted(
        str(folder) for folder in folders if any(folder == path or path in folder.parents for path in written)
    )
    if inside or mixed:
        return [
            f"--dump {out}: its pictures would mix with the data in {join_names(inside or mixed, 3)}; choose another folder."
        ]
    return [*(f"--dump {problem}" for problem in whole_set_problems(out, PARTS)), *_name_problems(pairs)]


def data_folders(data: Sequence[Path], pairs: Iterable[Pair]) -> set[Path]:
    """Every folder that the user gave, and that a file of the pairs is in."""
    files = (file for pair in pairs for file in (pair.image, *mask_files(pair)))
    return {*map(resolved, data), *(resolved(file.parent) for file in files)}


class Dump:
    """The pictures of a dump that is being written; `write` may be called on several threads.

    Parameters
    ----------
    folder : Path
        Where the parts are written.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.renumbered: set[str] = set()  # names of pairs whose numbers did not fit into 16 bits

    def write(self, prepared: PreparedPair) -> None:
        """Write the image, the mask and the labels of a pair."""
        name = prepared.pair.name
        self._save("images", name, as_picture(prepared.values))
        target = prepared.target[..., 0]
        mask = np.rint(np.clip(target, 0, 1) * 255).astype(np.uint8)
        self._save("masks", name, np.where(target < 0, np.uint8(IGNORED_GREY), mask))
        if prepared.labels is not None:
            self._save("labels", name, self._sixteen_bit(name, prepared.labels))

    def finish(self, inspection: Inspection) -> None:
        """Write the sheet and the table, where anything was measured."""
        if inspection.measures:
            (self.folder / "sheet.png").write_bytes(png_bytes(outline_sheet(inspection)))
            (self.folder / "pairs.csv").write_bytes(utf8(csv_text(pair_rows(inspection))))

    def _sixteen_bit(self, name: str, labels: np.ndarray) -> np.ndarray:
        if labels.max() <= MOST_LABELS and labels.min() >= 0:
            return labels.astype(np.uint16)
        numbers, places = np.unique(labels, return_inverse=True)
        if len(numbers) > MOST_LABELS:
            raise UserError(f"{name}: its mask numbers {len(numbers):,} cells, more than a 16-bit picture can.")
        self.renumbered.add(name)
        new = np.cumsum(numbers != 0) * (numbers != 0)  # 0 stays 0
        return new.astype(np.uint16)[places.reshape(labels.shape)]

    def _save(self, part: str, name: str, pixels: np.ndarray) -> None:
        path = self.folder / part / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(pixels, compress_level=FAST))


@contextlib.contextmanager
def dump_folder(out: Path, check: Callable[[], list[str]], say: Callable[[str], None]) -> Iterator[Dump]:
    """A dump to write to within the block; the folder gets all of it at the end, or nothing.

    Parameters
    ----------
    out : Path
    check : callable
        Returns the problems of the folder; called once it is locked, because another process may have written there until then.
    say : callable
        See `FolderLock`.

    Raises
    ------
    UserError
        If the folder is in use, has problems, or the system refuses.
    """
    with FolderLock(out, say=say) as lock:
        remove_remains(lock.folder, PARTS)
        if problems := check():
            raise UserError(problems)
        with written_whole(lock.folder, PARTS) as draft:
            yield Dump(draft)


def _name_problems(pairs: Iterable[Pair]) -> list[str]:
    """Names of pairs that cannot be the names of files side by side: one is the folder of another."""
    files = {os.path.normpath(f"{pair.name}.png"): pair.name for pair in pairs}
    return [
        f"--dump: the pairs {files[path]} and {files[str(folder)]} cannot be written beside each other: rename one of them."
        for path in sorted(files)
        for folder in Path(path).parents
        if str(folder) in files
    ]
