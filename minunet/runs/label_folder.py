"""A label folder: the labels or masks of a folder by their names, how they are read, and the classes of their cells.

The classes are those of masks that show several, or those that the tables of predict name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minunet.data.class_cells import ClassCells
from minunet.data.class_legend import ClassLegend
from minunet.data.finding.listing import list_folder
from minunet.data.finding.matching import Pair
from minunet.data.mask_cells import MaskCells, cells_of_mask
from minunet.data.pair_checks import COLOURFUL, describe_tones, looks_like_image
from minunet.data.pair_statistics import measure_mask
from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.file_statistics import FileStatistics
from minunet.data.reading.file_workers import map_files
from minunet.data.reading.mask_choice import NOTHING_SAID, MaskChoice
from minunet.data.reading.mask_reading import NUMBERED, MaskReading
from minunet.data.reading.pair_files import read_mask
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.results.prediction import CLASSES
from minunet.runs.class_pictures import NO_PICTURES, ClassPictures
from minunet.runs.predicted_classes import NO_CLASSES, PredictedClasses
from minunet.wording import at_most, count_noun

LABELS, PICTURE = "_labels.tif", f"_{CLASSES}.png"
ENDINGS = ("_mask", "-mask", "_labels", "-labels", "_label")  # taken off the names


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
    predicted : PredictedClasses
        Of a folder of predictions, what its tables say of classes.
    pictures : ClassPictures
        Of a folder of predictions, the classes of its pixels.
    """

    path: Path
    files: dict[str, Path]
    reading: MaskReading
    note: str | None = None
    predicted: PredictedClasses = NO_CLASSES
    pictures: ClassPictures = NO_PICTURES

    @classmethod
    def find(cls, folder: Path, choice: MaskChoice = NOTHING_SAID) -> LabelFolder:
        """The labels in a folder and the folders in it: NAME_labels.tif of predict where there are such, else every image.

        Parameters
        ----------
        folder : Path
        choice : MaskChoice
            What the user says of masks; the labels of predict are numbers of cells, whatever it says.

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
            of_classes = {
                name: path.with_name(path.name.removesuffix(LABELS) + PICTURE) for name, path in files.items()
            }
            tables, pictures = PredictedClasses.read(folder), ClassPictures.find(of_classes)
            return cls(folder, files, MaskReading(NUMBERED), predicted=tables, pictures=pictures)
        return cls(folder, files, *_reading(folder, [*files.values()], choice))

    @property
    def is_predicted(self) -> bool:
        """Whether these are the labels that predict wrote, which are read as they are, whatever the user says of masks."""
        return any(path.name.endswith(LABELS) for path in self.files.values())

    @property
    def class_names(self) -> list[str]:
        """The names of the classes that its cells can have, sorted; empty where it tells cell and background only."""
        return sorted([*self._kinds] or self.predicted.names)

    @property
    def pixel_classes(self) -> tuple[str, ...]:
        """The names of the classes that its pixels can have, the background first; empty where it has none for each pixel."""
        return self.reading.class_names or self.pictures.names

    def class_index(self, name: str, names: Sequence[str]) -> np.ndarray:
        """The class of each pixel of a file, as its place in `names`.

        Parameters
        ----------
        name : str
            Of the file.
        names : sequence of str
            The background, whatever it is called here, and all others that `pixel_classes` names.

        Returns
        -------
        ndarray, (H, W) int16
            -1 where a pixel is ignored.

        Raises
        ------
        UserError
            If the file cannot be read.
        """
        path = self.files[name]
        if self.pictures.names:
            index = self.pictures.index(name)
        else:
            index = self.reading.class_index(read_mask(Pair(name, path, path)))
        places = [0, *(names.index(class_name) for class_name in self.pixel_classes[1:]), -1]
        return np.array(places, np.int16)[index]

    def cells(self, name: str) -> MaskCells:
        """The cells of a file, with their classes where they have such.

        Raises
        ------
        UserError
            If the file cannot be read.
        """
        path = self.files[name]
        return cells_of_mask(read_mask(Pair(name, path, path)), Preprocessing(reading=self.reading))

    def of_class(self, name: str, cells: MaskCells, labels: np.ndarray, class_name: str) -> np.ndarray:
        """The labels (H, W) of the cells of one class alone; 0 elsewhere.

        Parameters
        ----------
        name : str
            Of the file.
        cells : MaskCells
            What `cells` gives of it.
        labels : ndarray, (H, W) int32
            Those of its labels that are looked at.
        class_name : str
        """
        if cells.classes is not None:
            return ClassCells(labels, cells.classes).of_class(self._kinds[class_name])
        image = self.files[name].relative_to(self.path).as_posix().removesuffix(LABELS)
        return np.where(np.isin(labels, self.predicted.numbers(image, class_name)), labels, 0)

    @property
    def _kinds(self) -> dict[str, int]:
        """The index of each class that cells can have, by its name, of masks that show classes."""
        legend = ClassLegend.of(self.reading.class_names, self.reading.classes)
        return dict(zip(legend.kind_names, legend.kinds, strict=True)) if self.reading.classes else {}


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


def _image_problem(file: FileStatistics) -> str:
    """The sentence on a file that is taken for an image: such may also be a mask whose colours have changed at its borders."""
    exact = "; colours of masks must be exact, neither compressed as JPEG nor resized"
    return (
        f"{file.path} looks like an image, not a mask ({describe_tones(file)}): give the folder of the masks"
        f"{exact if file.colourfulness >= COLOURFUL else ''}."
    )


def _reading(folder: Path, paths: Sequence[Path], choice: MaskChoice) -> tuple[MaskReading, str | None]:
    """How masks are read, and a note where they are of one value: images without a cell, or cells that fill them."""
    measured = map_files(lambda path: measure_mask(Pair(path.stem, path, path)), paths)
    problems = [file.problem for file in measured if file.problem]
    problems += [_image_problem(file) for file in measured if not file.problem and looks_like_image(file)]
    if problems:
        raise UserError(at_most(problems, "files that cannot be compared"))
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
    chosen = choose_reading(counts, choice, paths)
    if chosen.reading is None:
        raise UserError(f"{folder}: {problem}" for problem in chosen.problems)
    return chosen.reading, None
