"""The pictures of a run folder: what the training sees, how it went, and what the model says of test images.

Each is written whole or not at all, and none of them can disturb the training: they draw from generators of their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.checkpoints.model_file import LoadedModel
from minunet.data.batches import Batches
from minunet.data.pairs import Pair
from minunet.data.reading.pixels import to_rgb
from minunet.data.reading.resize import resize_area
from minunet.errors import UserError
from minunet.files.atomic import write_bytes
from minunet.inference.evaluation import predict_pair
from minunet.results import figures
from minunet.results.curves import MatplotlibMissing, plot_curves
from minunet.results.picture import png_bytes
from minunet.training.events import EpochRecord

SHEET_ROWS, VERSIONS = 4, 5
GRID_ROWS = 4
GRID_WIDTH = 600  # pixels of a picture in the grid before it is fitted to its column, twice the column's


def draw_augmentation(path: Path, training: Batches, pairs: Sequence[Pair]) -> None:
    """A sheet of a few training images beside what the first epochs make of them, with the outlines of their masks.

    Parameters
    ----------
    path : Path
        The picture.
    training : Batches
    pairs : sequence of Pair
        What it was made of.
    """
    chosen = _places(len(pairs), SHEET_ROWS)
    whole = Batches([pairs[place] for place in chosen], replace(training.preprocessing, crop=None), 1)
    originals = [whole.example(number, 0) for number in range(len(chosen))]
    changing = training.augment != "none" or training.preprocessing.crop is not None
    versions = [[training.example(place, epoch) for epoch in range(VERSIONS if changing else 0)] for place in chosen]
    captions = [pairs[place].name for place in chosen]
    _save(path, figures.augmentation_sheet(originals, versions, captions, heading=f"augmentation: {training.augment}"))


def draw_curves(path: Path, history: Sequence[EpochRecord]) -> str | None:
    """The curves of the history; without matplotlib, the sentence that says how to get it."""
    if not history:
        return None
    draft = path.with_name(f".{path.name}.{os.getpid()}.png")  # matplotlib chooses the format by the ending
    try:
        plot_curves([record.to_dict() for record in history], draft)
        os.replace(draft, path)
    except MatplotlibMissing as missing:
        return str(missing)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}); free some space.") from error
    finally:
        draft.unlink(missing_ok=True)
    return None


def draw_predictions(path: Path, model: LoadedModel, pairs: Sequence[Pair], scores: dict[str, dict[str, Any]]) -> None:
    """Test images with their masks, what the model says, and the product of the two, as the paper's Figure 9.

    Parameters
    ----------
    path : Path
        The picture.
    model : LoadedModel
    pairs : sequence of Pair
        The test images.
    scores : dict
        For each name its measures, for the caption.
    """
    rows = []
    for pair in (pairs[place] for place in _places(len(pairs), GRID_ROWS)):
        image, mask, probability = predict_pair(model, pair)
        score = scores[pair.name]
        caption = f"{pair.name}: Dice {score['dice']:.3f}, IoU {score['iou']:.3f}"
        # Shrunk at once: whole photographs of several rows, in float32, would take more than the training did.
        rows.append(figures.PredictionRow(_shrunk(to_rgb(image)), _shrunk(mask), _shrunk(probability), caption))
    _save(path, figures.prediction_grid(rows, heading="test images, never trained on"))


def _shrunk(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    if width <= GRID_WIDTH:
        return array
    return resize_area(array, (GRID_WIDTH, max(1, round(height * GRID_WIDTH / width))))


def _places(length: int, count: int) -> list[int]:
    """Up to `count` places in a sequence, evenly spaced."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()


def _save(path: Path, picture: Image.Image) -> None:
    write_bytes(path, png_bytes(picture, compress_level=4))  # half of the default 6's time, 7 % more bytes
