"""Cell evaluation: how well a trained model finds the cells of images whose masks are known, at the images' own size.

The cells of a mask are those that it numbers; where it numbers none, they are its connected regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minunet.cells.cell_scores import CellScores
from minunet.cells.mask_cells import MaskCells, cells_of_mask
from minunet.cells.watershed import find_cells
from minunet.data.pairs import Pair
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.pair_files import read_mask
from minunet.inference.evaluation import predict_pair
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import SegmentationMetrics


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
    """

    scores: CellScores = field(default_factory=CellScores)
    pixels: SegmentationMetrics = field(default_factory=SegmentationMetrics)
    numbered: int = 0
    covered: int | None = None

    def per_image(self) -> dict[str, dict[str, Any]]:
        """By the name of the image: the scores of its cells, then Dice and accuracy at its own size."""
        rows: dict[str, dict[str, Any]] = {name: dict(row) for name, row in self.scores.per_image().items()}
        for row in self.pixels.per_image():
            rows[str(row["name"])] |= {"native_dice": row["dice"], "native_accuracy": row["accuracy"]}
        return rows


def evaluate_cells(
    model: LoadedModel, pairs: Sequence[Pair], *, progress: ProgressCallback | None = None
) -> CellEvaluation:
    """Find the cells of images, and compare them with those of their masks.

    Parameters
    ----------
    model : LoadedModel
    pairs : sequence of Pair
        Checked, so that every file can be read.
    progress : callable, optional
        Called with the number of images done, and of all.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.
    """
    result = CellEvaluation()
    interval = model.cell_choice.interval if model.cell_choice else None
    for pair in pairs:
        _, target, probability = predict_pair(model, pair)
        cells = mask_cells(model, pair)
        truth, predicted = cells.scored(find_cells(probability, model.cell_settings))
        result.scores.update(truth, predicted, pair.name)
        result.pixels.update(probability[None, ..., None], target[None], [pair.name])
        result.numbered += cells.are_numbered
        if interval is not None:
            counts = result.scores.images[pair.name]
            low, high = interval.of(counts.predicted)
            result.covered = (result.covered or 0) + (low <= counts.true <= high)
        if progress:
            progress(len(result.scores), len(pairs))
    return result


def mask_cells(model: LoadedModel, pair: Pair) -> MaskCells:
    """The cells of the mask of a pair, as the model reads masks."""
    return cells_of_mask(read_mask(pair), model.preprocessing)
