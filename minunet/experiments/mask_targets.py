"""The four kinds of targets made from one mask file: black and white for M2, and the greys that M1 may have learned from.

binary    made black and white by a threshold, resized, made black and white again at one half
resized   made black and white, then averaged when resized: grey along the outlines only
stored    as stored in the file, value / full scale, averaged when resized: for masks that are graded
levels    made black and white, saved again as two greys, averaged when resized: shows the effect of such masks
"""

from __future__ import annotations

import numpy as np

from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.stored_mask import StoredMask
from minunet.data.reading.threshold import binarise

KINDS = ("binary", "resized", "stored", "levels")
WHITE = 65535  # of a 16-bit picture


def mask_target(
    mask: StoredMask | np.ndarray,
    kind: str,
    size: tuple[int, int],
    threshold: str | float = "otsu",
    levels: tuple[float, float] = (0.0, 1.0),
    reading: MaskReading | None = None,
) -> np.ndarray:
    """The target that a network learns from a mask.

    Parameters
    ----------
    mask : StoredMask, or ndarray, (H, W) or (H, W, 3)
        As `read_mask` or `decode_mask` return it.
    kind : {"binary", "resized", "stored", "levels"}
    size : (width, height)
    threshold : "otsu" or float
        See `binarise`; used without a reading only.
    levels : (float, float)
        Of background and cells, as shares of full scale; rounded to values of an 8-bit file. Used by "levels" only.

    reading : MaskReading, optional
        Which values are cell; None, for studies of older versions: each mask is binarised on its own.

    Returns
    -------
    ndarray, (height, width, 1) float32 in [0, 1]
    """
    if kind == "binary":
        return Preprocessing(size=size, mask="binary", threshold=threshold, reading=reading).target(mask)
    if kind == "stored":
        return Preprocessing(size=size, mask="grayscale", reading=reading).target(mask)
    stored = mask if isinstance(mask, StoredMask) else StoredMask(mask)
    cell = binarise(stored.shown(), threshold) if reading is None else reading.cell(stored)
    low, high = (0.0, 1.0) if kind == "resized" else levels
    saved = np.where(cell, round(255 * high), round(255 * low))
    return Preprocessing(size=size, mask="grayscale").target(saved.astype(np.uint8))


def sixteen_bit(values: np.ndarray) -> np.ndarray:
    """Fractions of white as uint16, rounded to the nearest.

    The mean of white pixels is white again, although in float32 its weights add up to 1 - 6e-8: too little to matter for a
    loss, but Keras accuracy asks whether a target is exactly 0 or 1.
    """
    return np.rint(values.astype(np.float64) * WHITE).astype(np.uint16)
