"""A label folder: the labels or masks of a folder by their names, how they are read, and the classes of their cells where a table
beside them names these.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minunet.data.finding.listing import list_folder
from minunet.data.finding.matching import Pair
from minunet.data.mask_cells import cells_of_mask
from minunet.data.pair_statistics import measure_mask
from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.file_workers import map_files
from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.runs.prediction_tables import CELL_TABLE
from minunet.runs.report_sections import table_lines
from minunet.wording import count_noun

LABELS = "_labels.tif"
ENDINGS = ("_mask", "-mask", "_labels", "-labels", "_label")  # taken off the names
CLASS_FIELDS = ("image", "id", "class")  # of a table that names the class of each cell

CellClasses = dict[str, dict[int, str]]  # by name, then by the number of the cell


@dataclass(frozen=True)
class LabelFolder:
    """The labels or masks of a folder.

    Attributes
    ----------
    path : Path
        The folder.
    files : dict of str to Path
        By name: of the file within the folder, without its ending and without "_mask" or "_labels".
    reading : MaskReading
        How they are read.
    note : str or None
        What the user should know of them.
    classes : dict
        The class of each cell, by name and number, of a folder of predictions of a model with classes; empty for others.
    """

    path: Path
    files: dict[str, Path]
    reading: MaskReading
    note: str | None = None
    classes: CellClasses = field(default_factory=dict)

    @classmethod
    def find(cls, folder: Path) -> LabelFolder:
        """The labels in a folder and the folders in it: NAME_labels.tif of predict where there are such, else every image.

        Raises
        ------
        UserError
            If there are none, two have the same name, it is unclear which of their values are cells, or the table of their classes
            cannot be read.
        """
        paths = images_in(folder)
        labels = [path for path in paths if path.name.endswith(LABELS)]
        masks = [path for path in paths if path.stem.endswith("_mask")]
        found = labels or masks or paths
        if not found:
            raise UserError(f"{folder}: holds no labels or masks; give a folder of PNG or TIFF files.")
        files = files_by_name(folder, found)
        if labels:
            by_image = _read_classes(folder / CELL_TABLE)
            images = {name: path.relative_to(folder).as_posix().removesuffix(LABELS) for name, path in files.items()}
            classes = {name: by_image[image] for name, image in images.items() if image in by_image}
            return cls(folder, files, MaskReading(NUMBERED), classes=classes)
        return cls(folder, files, *_reading(folder, [*files.values()]))

    def labels(self, name: str) -> np.ndarray:
        """The labels of a file, (H, W) int32; 0 for background.

        Raises
        ------
        UserError
            If the file cannot be read.
        """
        path = self.files[name]
        return cells_of_mask(read_mask(Pair(name, path, path)), Preprocessing(reading=self.reading)).labels

    def of_class(self, name: str, labels: np.ndarray, class_name: str) -> np.ndarray:
        """The labels (H, W) of the cells of one class alone; 0 elsewhere."""
        numbers = [number for number, found in self.classes.get(name, {}).items() if found == class_name]
        return np.where(np.isin(labels, numbers), labels, 0)

    def class_names(self) -> list[str]:
        """The names of the classes that its cells have, sorted."""
        return sorted({name for cells in self.classes.values() for name in cells.values()})


def files_by_name(folder: Path, paths: Sequence[Path]) -> dict[str, Path]:
    """Files by their names within a folder, without endings; raises UserError where two have the same name."""
    files: dict[str, Path] = {}
    problems = []
    for path in paths:
        name = _name(folder, path)
        if name in files:
            problems.append(f"{files[name]} and {path} have the same name: keep one of them.")
        files[name] = path
    if problems:
        raise UserError(problems)
    return files


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder and the folders in it; raises UserError where there is no such folder."""
    listing = list_folder(folder)
    if listing.problems:
        raise UserError(listing.problems)
    inner = [path for sub in listing.folders if not sub.is_symlink() for path in images_in(sub)]
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


def _read_classes(table: Path) -> CellClasses:
    """The class of each cell by a table of predict; empty where there is none, or it has no classes."""
    classes: CellClasses = {}
    if not table.is_file():
        return classes
    try:
        reader = csv.DictReader(table_lines(table), strict=True)
        if not set(CLASS_FIELDS) <= set(reader.fieldnames or ()):
            return classes
        for row in reader:
            if row["class"]:
                classes.setdefault(row["image"], {})[int(row["id"])] = row["class"]
    except OSError as error:
        raise UserError(f"{table}: cannot be read ({error.strerror or error}); move it away.") from error
    except (TypeError, ValueError, csv.Error) as error:
        raise UserError(f"{table}: is damaged ({error}); move it away to compare without classes.") from error
    return classes
