"""Unlike images: how an image differs from those that a model was trained on, so that its prediction may be wrong."""

from __future__ import annotations

import numpy as np

from minunet.data.appearance import measure_appearance
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages


def differences(
    window: np.ndarray,
    preprocessing: Preprocessing,
    training_images: TrainingImages | None,
    shape: tuple[int, int] | None = None,
) -> list[str]:
    """A sentence for each kind of difference between an image and the training images; see `LoadedModel.unlike`.

    Parameters
    ----------
    window : ndarray
        (H, W) or (H, W, C): the image, or the `middle_window` of a large one.
    preprocessing : Preprocessing
    training_images : TrainingImages or None
        How the training images look; None where that is not known.
    shape : (int, int), optional
        Height and width of the large image.
    """
    image_range = preprocessing.range
    mismatch = None if image_range is None else image_range.mismatch(window.dtype)
    numbers = [mismatch] if mismatch else []
    if training_images is None:
        return numbers
    sentences = training_images.unlike(measure_appearance(window, preprocessing, shape))
    if sentences and not numbers:
        numbers = _bit_depth(window, preprocessing)
    return [*sentences, *numbers]


def extreme_share(share: float) -> list[str]:
    """A sentence where a model calls none of the pixels of an image cell, or all of them."""
    if 0 < share < 1:
        return []
    return [
        "none of its pixels is a cell by this model." if share == 0 else "all of its pixels are cells by this model."
    ]


def _bit_depth(window: np.ndarray, preprocessing: Preprocessing) -> list[str]:
    """Whether a 16-bit image holds fewer bits than those of the training, which is why it looks dark, or more than 8."""
    if window.dtype != np.uint16:
        return []
    highest = int(window.max())
    white = 65535 if preprocessing.range is None else float(np.max(preprocessing.range.high))
    bits = next((bits for bits in (8, 10, 12, 14) if highest < 1 << bits), None)
    return (
        []
        if bits is None or white / 2 < highest < 2 * white
        else [f"its values are at most {highest:,}: a {bits}-bit picture in 16 bits?"]
    )
