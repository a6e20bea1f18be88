"""Class evaluation: the scores of each class of a model, of its pixels and of its cells, at the images' own size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minunet.cells.cell_scores import CellScores
from minunet.data.class_cells import ClassCells
from minunet.data.class_legend import ClassLegend
from minunet.data.mask_cells import MaskCells
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.class_scores import ClassScores
from minunet.inference.metrics import THRESHOLD
from minunet.inference.predicted_maps import PredictedMaps

CELL_SCORES = ("true_cells", "predicted_cells", "cell_f1", "count_error")


class ClassEvaluation:
    """Adds up images, and gives the scores of each class.

    Parameters
    ----------
    legend : ClassLegend
    reading : MaskReading
        With these classes.

    Attributes
    ----------
    pixels : ClassScores
    cells : dict of str to CellScores
        Of each class that cells can have; of a class that lies in another one only the pixels are scored. Without an image where
        nobody looked for cells.
    """

    def __init__(self, legend: ClassLegend, reading: MaskReading):
        self.legend, self.reading = legend, reading
        self.pixels = ClassScores(legend.names)
        self.cells = {legend.names[kind]: CellScores() for kind in legend.kinds}

    @classmethod
    def of_model(cls, legend: ClassLegend | None, reading: MaskReading | None) -> ClassEvaluation | None:
        """The evaluation of a model; None where it has no classes, or the masks are read without classes."""
        return None if legend is None or reading is None or not reading.classes else cls(legend, reading)

    def add_maps(self, maps: PredictedMaps, mask: StoredMask, threshold: float = THRESHOLD) -> None:
        """Add the pixels of an image at its own size; those whose probability of cell is above `threshold` are cell."""
        index = maps.classes_above(threshold)
        assert index is not None
        self.pixels.update(index, self.reading.class_index(mask))

    def add_cells(self, predicted: ClassCells, truth: MaskCells, name: str) -> None:
        """Add the cells of an image; those of the mask have classes.

        Raises
        ------
        UserError
            If the packages that cells need are not installed.
        """
        true_labels, found_labels = truth.scored(predicted.labels)
        assert truth.classes is not None
        true, found = ClassCells(true_labels, truth.classes), ClassCells(found_labels, predicted.classes)
        for kind in self.legend.kinds:
            self.cells[self.legend.names[kind]].update(true.of_class(kind), found.of_class(kind), name)

    def extend(self, other: ClassEvaluation) -> None:
        """Add the images of another evaluation of the same classes behind these."""
        self.pixels.confusion += other.pixels.confusion
        for name, scores in self.cells.items():
            scores.images |= other.cells[name].images

    def result(self) -> dict[str, dict[str, Any]]:
        """By the name of each class: "dice", "iou", "true_pixels", "predicted_pixels", then `CELL_SCORES`.

        The scores of a class without cells of its own are None, and those of one that is nowhere; see `CellScores.class_row`.
        """
        return class_rows(self.pixels, self.cells)


def class_rows(pixels: ClassScores, cells: Mapping[str, CellScores]) -> dict[str, dict[str, Any]]:
    """The scores of the pixels and of the cells of each class, by its name, as `ClassEvaluation.result` gives them."""
    rows: dict[str, dict[str, Any]] = {}
    for name, row in pixels.result().items():
        found = cells.get(name)
        rows[name] = {**row, **(dict.fromkeys(CELL_SCORES) if found is None or not len(found) else found.class_row())}
    return rows
