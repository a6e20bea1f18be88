"""Cell scale: the size to which an image is resized so that its cells have the diameter that a model knows.

Width and height change by the same factor, and both diameters are in pixels: one in the image, one in the network's input.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.errors import UserError
from minunet.wording import shorten

SMALLEST_DIAMETER = 3.0  # pixels; what is smaller has no shape
LARGEST_DIAMETER = 10_000.0  # pixels; a larger one is a typing mistake
LARGEST_SHARE = 2.0  # of the longer side of an image: of a cell that is twice as wide, only a part would be seen


def scaled_size(shape: tuple[int, int], diameter: float, wanted: float) -> tuple[int, int]:
    """The size of an image whose cells are brought to another diameter.

    Parameters
    ----------
    shape : (H, W)
        Of the image.
    diameter : float
        Of its cells, in its own pixels.
    wanted : float
        Of its cells in the resized image.

    Returns
    -------
    (width, height)
        In pixels, each at least 1.

    Examples
    --------
    >>> scaled_size((1200, 1600), 100, 24)
    (384, 288)
    """
    height, width = shape
    factor = wanted / diameter
    return max(1, round(width * factor)), max(1, round(height * factor))


def diameter_problem(diameter: object, shape: tuple[int, int] | None = None) -> str | None:
    """What is wrong with the diameter of the cells of an image, as a phrase; None where nothing is.

    Parameters
    ----------
    diameter : object
        As a user or a file gives it.
    shape : (H, W), optional
        Of the image, where it is known.
    """
    number = isinstance(diameter, (int, float, np.integer, np.floating)) and not isinstance(diameter, bool)
    if not number or not math.isfinite(diameter):  # type: ignore[arg-type]
        return "give a number of pixels"
    if not SMALLEST_DIAMETER <= diameter <= LARGEST_DIAMETER:  # type: ignore[operator]
        return f"give a number of pixels from {SMALLEST_DIAMETER:g} to {LARGEST_DIAMETER:,.0f}"
    if shape is not None and diameter > LARGEST_SHARE * max(shape):  # type: ignore[operator]
        return (
            f"the image has only {shape[1]}x{shape[0]} pixels, and a cell may be at most {LARGEST_SHARE:g} times as wide as "
            "its longer side"
        )
    return None


def check_diameter(diameter: object, shape: tuple[int, int] | None = None) -> None:
    """Raise a UserError where `diameter_problem` finds one."""
    if problem := diameter_problem(diameter, shape):
        raise UserError(f"a cell diameter of {shorten(diameter)}: {problem}.")
