"""The four kinds of targets that one mask file gives: black and white for M2, and the greys that M1 may have learned from.

binary    cut into background and cell, resized, cut again at one half
resized   cut, then averaged when resized: grey along the outlines alone
stored    as the file has it, value / full scale, averaged when resized: for masks that are graded
levels    cut, saved again as two greys, averaged when resized: a demonstration of masks that were saved as greys
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.threshold import binarise

KINDS = ("binary", "resized", "stored", "levels")
WHITE = 65535  # of a 16-bit picture


def target(
    mask: np.ndarray,
    kind: str,
    size: tuple[int, int],
    threshold: str | float = "otsu",
    levels: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
    """A mask as a network is to answer it.

    Parameters
    ----------
    mask : ndarray, (H, W) or (H, W, 3)
        As `decode_mask` gives it.
    kind : {"binary", "resized", "stored", "levels"}
    size : (width, height)
    threshold : "otsu" or float
        Where the mask is cut, see `binarise`.
    levels : (float, float)
        Of background and cells, as shares of full scale; rounded to what an 8-bit file holds. Used by "levels" alone.

    Returns
    -------
    ndarray, (height, width, 1) float32 in [0, 1]
    """
    if kind == "binary":
        return Preprocessing(size=size, mask="binary", threshold=threshold).target(mask)
    grey = Preprocessing(size=size, mask="grayscale")
    if kind == "stored":
        return grey.target(mask)
    low, high = (0.0, 1.0) if kind == "resized" else levels
    saved = np.where(binarise(mask, threshold), round(255 * high), round(255 * low))
    return grey.target(saved.astype(np.uint8))


def sixteen_bit(values: np.ndarray) -> np.ndarray:
    """Fractions of white as uint16, to the nearest.

    The mean of white pixels is white again, though in float32 its weights add up to 1 - 6e-8: a difference of no account to a
    loss, but Keras accuracy asks whether a target is exactly 0 or 1.
    """
    return np.rint(values.astype(np.float64) * WHITE).astype(np.uint16)
