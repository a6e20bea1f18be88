"""Cell evaluation: how well a trained model finds the cells of images whose masks are known, at the images' own size.

The cells of a mask are those that it numbers; where it numbers none, they are its connected regions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minunet.cells.cell_diameters import CellDiameters
from minunet.cells.cell_scores import CellScores
from minunet.cells.cell_settings import CellSettings
from minunet.data.mask_cells import cells_of_mask
from minunet.data.pairs import Pair
from minunet.data.reading.stored_mask import StoredMask
from minunet.inference.class_evaluation import ClassEvaluation
from minunet.inference.evaluation import native_target
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import SegmentationMetrics
from minunet.inference.predicted_maps import PredictedMaps


@dataclass
class CellEvaluation:
    """The scores of cells, and of the pixels at the images' own size.

    Attributes
    ----------
    scores : CellScores
    pixels : SegmentationMetrics
    numbered : int
        The number of masks that number their cells; in the others connected regions are cells.
    covered : int or None
        In so many images the true count is in its interval; None for a model without one.
    classes : ClassEvaluation or None
        To which the cells of each class are added; None for a model without classes.
    diameters : CellDiameters
    settings : CellSettings or None
        By which cells are found; None for those of the model.
    """

    scores: CellScores = field(default_factory=CellScores)
    pixels: SegmentationMetrics = field(default_factory=SegmentationMetrics)
    numbered: int = 0
    covered: int | None = None
    classes: ClassEvaluation | None = None
    diameters: CellDiameters = field(default_factory=CellDiameters)
    settings: CellSettings | None = None

    def add(self, model: LoadedModel, pair: Pair, mask: StoredMask, maps: PredictedMaps) -> None:
        """Find the cells of an image, and compare them with those of its mask.

        Parameters
        ----------
        model : LoadedModel
        pair : Pair
        mask : StoredMask
        maps : PredictedMaps
            At the image's own size.

        Raises
        ------
        UserError
            If the packages that cells need are not installed.
        """
        cells = cells_of_mask(mask, model.preprocessing)
        found = model.cell_maps(maps).find(self.settings or model.cell_settings)
        truth, predicted = cells.scored(found.labels)
        self.scores.update(truth, predicted, pair.name)
        self.pixels.update(maps.probability[None, ..., None], native_target(model, mask)[None], [pair.name])
        if self.classes is not None:
            self.classes.add_cells(found, cells, pair.name)
        self.numbered += cells.are_numbered
        self.diameters.add(truth, predicted)
        if model.cell_choice is not None and model.cell_choice.interval is not None:
            counts = self.scores.images[pair.name]
            low, high = model.cell_choice.interval.of(counts.predicted)
            self.covered = (self.covered or 0) + (low <= counts.true <= high)

    def extend(self, other: CellEvaluation) -> None:
        """Add the images of another evaluation behind these; not those of its classes, which have an `extend` of their own."""
        self.scores.images |= other.scores.images
        self.pixels.extend(other.pixels)
        self.numbered += other.numbered
        self.diameters.extend(other.diameters)
        if other.covered is not None:
            self.covered = (self.covered or 0) + other.covered

    def per_image(self) -> dict[str, dict[str, Any]]:
        """By the name of the image: the scores of its cells, then Dice and accuracy at its own size."""
        rows: dict[str, dict[str, Any]] = {name: dict(row) for name, row in self.scores.per_image().items()}
        for row in self.pixels.per_image():
            rows[str(row["name"])] |= {"native_dice": row["dice"], "native_accuracy": row["accuracy"]}
        return rows
