"""A comparison run: the labels or masks of two folders, matched by name and compared cell by cell, and the files that are written.

The first folder is taken for the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cells.agreement import Agreement
from minunet.cells.cell_scores import CellScores
from minunet.data.finding.listing import list_folder
from minunet.data.finding.matching import Pair
from minunet.data.mask_cells import cells_of_mask
from minunet.data.pair_statistics import measure_mask
from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.file_workers import ProgressCallback, map_files
from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.files.atomic_write import replacing, write_text
from minunet.files.folders import results_problems
from minunet.files.json_files import write_json
from minunet.results.bland_altman import bland_altman
from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.results.score_tables import csv_text
from minunet.wording import count_noun, join_names

COMPARISON_FILES = {
    "comparison.json": "every score, and the agreement of the counts",
    "per_image.csv": "a row per image",
    "bland_altman.png": "the differences of the counts, if matplotlib is installed",
}
LABELS = "_labels.tif"
ENDINGS = ("_mask", "-mask", "_labels", "-labels", "_label")  # taken off the names


@dataclass(frozen=True)
class LabelFolder:
    """The labels or masks of a folder.

    Attributes
    ----------
    files : dict of str to Path
        By name: of the file within the folder, without its ending and without "_mask" or "_labels".
    reading : MaskReading
        How they are read.
    note : str or None
        What the user should know of them.
    """

    files: dict[str, Path]
    reading: MaskReading
    note: str | None = None

    @classmethod
    def find(cls, folder: Path) -> LabelFolder:
        """The labels in a folder and the folders in it: NAME_labels.tif of predict where there are such, else every image.

        Raises
        ------
        UserError
            If there are none, two have the same name, or it is unclear which of their values are cells.
        """
        paths = _images(folder)
        labels = [path for path in paths if path.name.endswith(LABELS)]
        masks = [path for path in paths if path.stem.endswith("_mask")]
        found = labels or masks or paths
        if not found:
            raise UserError(f"{folder}: holds no labels or masks; give a folder of PNG or TIFF files.")
        files: dict[str, Path] = {}
        problems = []
        for path in found:
            name = _name(folder, path)
            if name in files:
                problems.append(f"{files[name]} and {path} have the same name: keep one of them.")
            files[name] = path
        if problems:
            raise UserError(problems)
        return cls(files, MaskReading(NUMBERED)) if labels else cls(files, *_reading(folder, [*files.values()]))


@dataclass
class ComparedFolders:
    """Two folders compared.

    Attributes
    ----------
    scores : CellScores
    only_a, only_b : list of str
        Names that the other folder does not have.
    notes : list of str
        Of the two folders.
    """

    scores: CellScores = field(default_factory=CellScores)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def agreement(self) -> Agreement:
        """Of the counts."""
        images = self.scores.images.values()
        return Agreement.of([image.true for image in images], [image.predicted for image in images])


def compare_folders(a: Path, b: Path, progress: ProgressCallback | None = None) -> ComparedFolders:
    """Compare the cells of two folders of labels or masks; `a` is taken for the truth.

    Parameters
    ----------
    a, b : Path
    progress : callable, optional
        Called with the number of images done, and of all.

    Raises
    ------
    UserError
        With every problem: folders without labels, no common names, sizes that differ.
    """
    problems: list[str] = []
    folders: list[LabelFolder] = []
    for folder in (a, b):
        try:
            folders.append(LabelFolder.find(folder))
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)
    first, second = folders
    common = [name for name in first.files if name in second.files]
    result = ComparedFolders(
        only_a=[name for name in first.files if name not in second.files],
        only_b=[name for name in second.files if name not in first.files],
        notes=[folder.note for folder in folders if folder.note],
    )
    if not common:
        raise UserError(
            f"{a} and {b} share no name ({join_names(result.only_a, 2)}; {join_names(result.only_b, 2)}): give the files of "
            "an image the same name."
        )
    for number, name in enumerate(common, start=1):
        try:
            labels = [_labels(folder, name) for folder in folders]
            if labels[0].shape != labels[1].shape:
                (h, w), (other_h, other_w) = (array.shape for array in labels)
                raise UserError(
                    f"{name}: {w}x{h} pixels in {a}, and {other_w}x{other_h} in {b}: give images of one size."
                )
            result.scores.update(labels[0], labels[1], name)
        except UserError as error:
            problems += error.problems
        if progress:
            progress(number, len(common))
    if problems:
        raise UserError(problems)
    return result


def comparison_problems(out: Path, folders: Sequence[Path], overwrite: bool) -> list[str]:
    """The reasons why the files cannot be written to a folder, a sentence each."""
    return results_problems(out, COMPARISON_FILES, folders, overwrite)


def write_comparison(out: Path, a: Path, b: Path, comparison: ComparedFolders) -> str | None:
    """Write the files of a comparison; returns the reason why there is no plot where there is none."""
    agreement = comparison.agreement
    rows: list[dict[str, Any]] = [{"image": name, **row} for name, row in comparison.scores.per_image().items()]
    document = {
        "a": str(a),
        "b": str(b),
        "images": len(rows),
        "only_in_a": comparison.only_a,
        "only_in_b": comparison.only_b,
        "scores": comparison.scores.result(),
        "counts": {"bias": agreement.bias, "limits_of_agreement": agreement.limits},
        "per_image": rows,
    }
    write_json(out / "comparison.json", document)
    write_text(out / "per_image.csv", csv_text(rows))
    try:
        with replacing(out / "bland_altman.png") as temporary:
            bland_altman(agreement, temporary)
    except MatplotlibMissing as error:
        return str(error)
    return None


def _images(folder: Path) -> list[Path]:
    listing = list_folder(folder)
    if listing.problems:
        raise UserError(listing.problems)
    inner = [path for sub in listing.folders if not sub.is_symlink() for path in _images(sub)]
    return [*(path for path in listing.files if not path.name.endswith(".ome.tif")), *inner]


def _name(folder: Path, path: Path) -> str:
    stem = path.stem
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    return (path.relative_to(folder).parent / stem).as_posix()


def _reading(folder: Path, paths: Sequence[Path]) -> tuple[MaskReading, str | None]:
    """How masks are read, and a note where they are of one value: images without a cell, or cells that fill them."""
    measured = map_files(lambda path: measure_mask(Pair(path.stem, path, path)), paths)
    problems = [file.problem for file in measured if file.problem]
    if problems:
        raise UserError(problems)
    counts = [file.counts for file in measured if file.counts is not None]
    whole = all(mask.form == "numbers" and np.issubdtype(mask.values.dtype, np.integer) for mask in counts)
    if whole and len(only := {int(value) for mask in counts for value in mask.values}) == 1:
        value = only.pop()
        extent = (
            f"one cell that fills each image, since every pixel is {value}"
            if value
            else "no cell, since every pixel is 0"
        )
        return MaskReading(
            NUMBERED
        ), f"{folder}: {count_noun(len(paths), 'mask')} with {extent}; check that this is intended"
    chosen = choose_reading(counts, names=paths)
    if chosen.reading is None:
        raise UserError(f"{folder}: {problem}" for problem in chosen.problems)
    return chosen.reading, None


def _labels(folder: LabelFolder, name: str) -> np.ndarray:
    path = folder.files[name]
    return cells_of_mask(read_mask(Pair(name, path, path)), Preprocessing(reading=folder.reading)).labels
