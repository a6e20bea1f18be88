"""A comparison run: the labels or masks of two folders, matched by name and compared cell by cell, and the files that are written.

The first folder is taken for the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cells.agreement import Agreement
from minunet.cells.cell_scores import CellScores
from minunet.data.class_legend import ClassLegend
from minunet.data.mask_cells import MaskCells
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.mask_choice import NOTHING_SAID, MaskChoice
from minunet.errors import UserError
from minunet.files.atomic_write import replacing, write_text
from minunet.files.folders import results_problems
from minunet.files.json_files import write_json
from minunet.inference.class_evaluation import class_rows
from minunet.inference.class_scores import ClassScores
from minunet.results.bland_altman import bland_altman
from minunet.results.cell_table import class_lines
from minunet.results.class_table import class_table
from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.results.score_tables import csv_text
from minunet.runs.label_folder import LabelFolder, files_by_name, images_in
from minunet.wording import join_names

COMPARISON_FILES = {
    "report.html": "all of it to look at in a browser",
    "comparison.json": "every score, and the agreement of the counts",
    "per_image.csv": "a row per image",
    "bland_altman.png": "the differences of the counts, if matplotlib is installed",
}


@dataclass
class ComparedFolders:
    """Two folders compared.

    Attributes
    ----------
    folders : (LabelFolder, LabelFolder)
    scores : CellScores
    classes : dict of str to CellScores
        Of the cells of each class alone, by its name; empty unless both folders name the classes of their cells.
    pixels : ClassScores or None
        Of the pixels of each class, where both folders name the classes of their pixels.
    images : dict of str to Path
        The images themselves, by the same names, as far as they are known.
    only_a, only_b : list of str
        Names that the other folder does not have.
    notes : list of str
        Of the two folders.
    """

    folders: tuple[LabelFolder, LabelFolder]
    scores: CellScores = field(default_factory=CellScores)
    classes: dict[str, CellScores] = field(default_factory=dict)
    pixels: ClassScores | None = None
    images: dict[str, Path] = field(default_factory=dict)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def agreement(self) -> Agreement:
        """Of the counts."""
        images = self.scores.images.values()
        return Agreement.of([image.true for image in images], [image.predicted for image in images])

    def add(self, name: str) -> None:
        """Compare the labels of one name.

        Raises
        ------
        UserError
            If a file cannot be read, or the two are not of one size.
        """
        a, b = self.cells(name)
        self._add_pixels(name, a.labels.shape)
        found, true = b.scored(a.labels)
        true, found = replace(a, labels=true).scored(found)
        self.scores.update(true, found, name)
        first, second = self.folders
        for class_name, scores in self.classes.items():
            scores.update(first.of_class(name, a, true, class_name), second.of_class(name, b, found, class_name), name)

    def worst(self, most: int) -> list[tuple[str, dict[str, Any]]]:
        """The names and scores of the images whose cells differ: those of the lowest F1 first, at most so many."""
        differ = [(name, row) for name, row in self.scores.per_image().items() if row["panoptic_quality"] != 1]
        return sorted(differ, key=lambda item: (item[1]["cell_f1"], item[1]["panoptic_quality"]))[:most]

    def class_rows(self) -> dict[str, dict[str, Any]]:
        """The scores of each class by its name, see `CellScores.class_row`; those of its pixels too, where they are compared."""
        if self.pixels is not None:
            return class_rows(self.pixels, self.classes)
        return {name: scores.class_row() for name, scores in self.classes.items()}

    def class_lines(self) -> list[str]:
        """The scores of the classes as lines to print; none without classes."""
        if self.pixels is None:
            return class_lines(self.class_rows())
        names = self.pixels.names
        around = {kind.name: kind.lies_in for folder in self.folders for kind in folder.reading.classes}
        outer = [names.index(around.get(name) or name) for name in names]
        return class_table(self.class_rows(), ClassLegend(names, tuple(outer)), self.pixels.mean_dice())

    def _add_pixels(self, name: str, shape: tuple[int, ...]) -> None:
        """Compare the classes of the pixels of one name, whose labels have this shape."""
        if self.pixels is None:
            return
        true, found = (folder.class_index(name, self.pixels.names) for folder in self.folders)
        for folder, index in zip(self.folders, (true, found), strict=True):
            if index.shape != shape:
                raise UserError(
                    f"{name}: labels and picture of the classes in {folder.path} differ in size; predict it again."
                )
        self.pixels.update(found, np.where(found < 0, -1, true))

    def cells(self, name: str) -> tuple[MaskCells, MaskCells]:
        """The cells of one name in both folders; raises `UserError` as `add` does."""
        first, second = self.folders
        a, b = first.cells(name), second.cells(name)
        if a.labels.shape != b.labels.shape:
            (h, w), (other_h, other_w) = a.labels.shape, b.labels.shape
            raise UserError(
                f"{name}: {w}x{h} pixels in {first.path}, and {other_w}x{other_h} in {second.path}: give images of one size."
            )
        return a, b


def compare_folders(
    a: Path,
    b: Path,
    progress: ProgressCallback | None = None,
    images: Path | None = None,
    choice: MaskChoice = NOTHING_SAID,
) -> ComparedFolders:
    """Compare the cells of two folders of labels or masks; `a` is taken for the truth.

    Parameters
    ----------
    a, b : Path
    progress : callable, optional
        Called with the number of images done, and of all.
    images : Path, optional
        A folder of the images themselves.
    choice : MaskChoice
        What the user says of the masks that no predict wrote.

    Raises
    ------
    UserError
        With every problem: folders without labels, no common names, sizes that differ, classes of other names.
    """
    problems: list[str] = []
    folders: list[LabelFolder] = []
    for folder in (a, b):
        try:
            folders.append(LabelFolder.find(folder, choice))
        except UserError as error:
            problems += error.problems
    shown: dict[str, Path] = {}
    try:
        shown = {} if images is None else files_by_name(images, images_in(images))
    except UserError as error:
        problems += [f"--images: {problem}" for problem in error.problems]
    if len(folders) == 2:
        problems += _choice_problems(folders, choice)
    if problems:
        raise UserError(problems)
    first, second = folders
    common = [name for name in first.files if name in second.files]
    classes, note = _common_classes(first, second)
    pixels, pixel_note = _pixel_scores(first, second) if classes else (None, None)
    result = ComparedFolders(
        (first, second),
        classes={name: CellScores() for name in classes},
        pixels=pixels,
        images={name: shown[name] for name in common if name in shown},
        only_a=[name for name in first.files if name not in second.files],
        only_b=[name for name in second.files if name not in first.files],
        notes=[said for said in (first.note, second.note, note, pixel_note) if said],
    )
    if images is not None and len(missing := [name for name in common if name not in shown]):
        result.notes.append(f"{images}: holds no image of the name {join_names(missing)}")
    if not common:
        raise UserError(
            f"{a} and {b} share no name ({join_names(result.only_a, 2)}; {join_names(result.only_b, 2)}): give the files of "
            "an image the same name."
        )
    for number, name in enumerate(common, start=1):
        try:
            result.add(name)
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
        "classes": comparison.class_rows() or None,
        "mean_class_dice": None if comparison.pixels is None else comparison.pixels.mean_dice(),
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


def _choice_problems(folders: Sequence[LabelFolder], choice: MaskChoice) -> list[str]:
    """What is wrong with what the user says of the masks, now that the folders are known."""
    first, second = folders
    if first.is_predicted and second.is_predicted:
        given = {"--cell": choice.cell, "--classes": choice.classes, "--ignore": choice.ignore}
        flags = [flag for flag, value in given.items() if value is not None] + ["--invert-masks"] * choice.invert
        both = f"{first.path} and {second.path} hold the labels of predict"
        return [f"{join_names(flags)}: {both}, whose values are numbers of cells; leave this out."] if flags else []
    named, other = (first, second) if second.is_predicted else (second, first)
    if choice.classes is None or not other.is_predicted or not other.class_names:
        return []
    if set(other.class_names) <= set(named.class_names):
        return []
    return [
        f"--classes: cells of the masks in {named.path} have the classes {join_names(named.class_names)}, and those of "
        f"{other.path} {join_names(other.class_names)}: give the same names."
    ]


def _common_classes(a: LabelFolder, b: LabelFolder) -> tuple[list[str], str | None]:
    """The classes that are compared, and a note where there are none although a folder has classes."""
    if not a.class_names and not b.class_names:
        return [], None
    if not a.class_names or not b.class_names:
        named, other = (a, b) if a.class_names else (b, a)
        note = f"{named.path} has classes of cells, and {other.path} has none: classes are not compared"
        if not other.is_predicted:
            note += "; where its masks show classes, --classes says which value is which"
        return [], note
    if set(a.class_names).isdisjoint(b.class_names):
        return [], (
            f"{a.path} has the classes {join_names(a.class_names)}, and {b.path} {join_names(b.class_names)}: classes are not "
            "compared"
        )
    return sorted({*a.class_names, *b.class_names}), None


def _pixel_scores(a: LabelFolder, b: LabelFolder) -> tuple[ClassScores | None, str | None]:
    """The scores of the pixels of all classes of both, and a note where they cannot be had."""
    if a.pixel_classes and b.pixel_classes:
        return ClassScores([*dict.fromkeys([*a.pixel_classes, *b.pixel_classes[1:]])]), None
    without = b if a.pixel_classes else a
    return None, (
        f"{without.path} has no NAME_classes.png for every image that names its classes, as predict writes them: the cells of each "
        "class are compared, its pixels are not"
    )
