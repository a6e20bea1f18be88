"""The pictures of a run folder: the augmented training images, the curves of the training, and predictions of test images.

Each is written whole or not at all, and none of them changes the training: they use random generators of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.batches import Batches
from minunet.data.pairs import Pair
from minunet.data.reading.pixels import to_rgb
from minunet.data.reading.preprocessing import as_picture
from minunet.data.reading.resize import resize_area
from minunet.files.atomic_write import replacing, write_bytes
from minunet.inference.evaluation import predict_pair
from minunet.inference.loaded_model import LoadedModel
from minunet.results import figures
from minunet.results.curves import plot_curves
from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.results.picture import png_bytes
from minunet.training.events import EpochRecord

SHEET_ROWS, VERSIONS = 4, 5
GRID_ROWS = 4
GRID_WIDTH = 600  # pixels of a picture in the grid before it is fitted to its column, twice the width of the column


def draw_augmentation(path: Path, training: Batches, pairs: Sequence[Pair]) -> None:
    """Draw a few training images beside their augmented versions of the first epochs, with the outlines of their masks.

    Parameters
    ----------
    path : Path
        The picture.
    training : Batches
    pairs : sequence of Pair
        Those of `training`.
    """
    rows = evenly_spaced(len(pairs), SHEET_ROWS)

    def shown(image: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _shown(image, training.outputs.cell_target(target))

    uncropped = Batches([pairs[index] for index in rows], replace(training.preprocessing, crop=None), 1)
    originals = [_shown(*uncropped.example(number, 0)) for number in range(len(rows))]
    changes = training.augment != "none" or training.preprocessing.crop is not None
    versions = [
        [shown(*training.example(index, epoch)) for epoch in range(VERSIONS if changes else 0)] for index in rows
    ]
    captions = [pairs[index].name for index in rows]
    _write_png(
        path, figures.augmentation_sheet(originals, versions, captions, heading=f"augmentation: {training.augment}")
    )


def draw_curves(path: Path, history: Sequence[EpochRecord]) -> str | None:
    """Draw the curves of the history; without matplotlib, return the sentence that says how to get it."""
    if not history:
        return None
    try:
        with replacing(path) as temporary:
            plot_curves([record.to_dict() for record in history], temporary)
    except MatplotlibMissing as missing:
        return str(missing)
    return None


def draw_predictions(path: Path, model: LoadedModel, pairs: Sequence[Pair], scores: dict[str, dict[str, Any]]) -> None:
    """Draw test images with their masks, the predictions, and the product of image and prediction, as the paper's Figure 9.

    Parameters
    ----------
    path : Path
        The picture.
    model : LoadedModel
    pairs : sequence of Pair
        The test images.
    scores : dict
        The measures of each image by name, for the captions.
    """
    rows = []
    for pair in (pairs[index] for index in evenly_spaced(len(pairs), GRID_ROWS)):
        image, mask, probability, classes, _ = predict_pair(model, pair)
        score = scores[pair.name]
        caption = f"{pair.name}: Dice {score['dice']:.3f}, IoU {score['iou']:.3f}"
        # Shrunk at once: the whole photographs of several rows, in float32, would need more memory than the training.
        rows.append(
            figures.PredictionRow(
                _shrunk(to_rgb(model.preprocessing.display(image))),
                _shrunk(mask),
                _shrunk(probability),
                caption,
                None if classes is None else (_thinned(classes[0]), _thinned(classes[1])),
            )
        )
    _write_png(path, figures.prediction_grid(rows, heading="test images, never trained on"))


def _shown(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return as_picture(image), mask


def _shrunk(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    if width <= GRID_WIDTH:
        return array
    return resize_area(array, (GRID_WIDTH, max(1, round(height * GRID_WIDTH / width))))


def _thinned(colours: np.ndarray) -> np.ndarray:
    """A picture of classes with fewer rows and columns, whose colours are not mixed."""
    step = max(1, colours.shape[1] // GRID_WIDTH)
    return colours[::step, ::step]


def evenly_spaced(length: int, count: int) -> list[int]:
    """Up to `count` indices of a sequence, evenly spaced."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()


def _write_png(path: Path, picture: Image.Image) -> None:
    write_bytes(path, png_bytes(picture, compress_level=4))  # half of the default 6's time, 7 % more bytes
