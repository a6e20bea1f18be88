"""The image with which an exported file is compared with its model where the user gives none: a drawn smear."""

from __future__ import annotations

import numpy as np

from minunet.data.reading.channels import channel_numbers
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.synthetic.smear import SMALLEST_DIAMETER, draw_smear

DRAWN_SIZE = (333, 271)  # no multiples of 2, so that the border is part of the check


def drawn_image(preprocessing: Preprocessing) -> np.ndarray:
    """A drawn smear in the units and with the channels of a model's images.

    Parameters
    ----------
    preprocessing : Preprocessing
        Of the model.

    Returns
    -------
    ndarray, (H, W, C)
        The same at each call.
    """
    smear = draw_smear(np.random.default_rng(0), DRAWN_SIZE, diameter=_drawable(preprocessing.diameter)).image
    numbers = channel_numbers(preprocessing.channels)
    if numbers is not None:
        smear = smear[..., [number % 3 for number in range(max(numbers) + 1)]]
    span = preprocessing.range
    if span is None or span.types in ((), ("uint8",)):
        return smear
    low, high = np.min(span.low), np.max(span.high)
    return (low + smear * ((high - low) / 255.0)).astype(span.types[0])


def _drawable(diameter: float | None) -> float | None:
    """The diameter that a model knows, as far as cells of it can be drawn; then the smear is resized by little."""
    return None if diameter is None else min(max(diameter, SMALLEST_DIAMETER), max(DRAWN_SIZE) / 4)
