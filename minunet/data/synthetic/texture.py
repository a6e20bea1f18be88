"""Texture: smooth random noise, for the grain of cytoplasm, chromatin and stain."""

from __future__ import annotations

import numpy as np
from PIL import Image


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> np.ndarray:
    """Random noise of about unit variance whose structures are about `grain` pixels wide.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (height, width)
    grain : float
        Distance in pixels between the independent values that are interpolated.

    Returns
    -------
    ndarray, float32, (height, width)
    """
    height, width = shape
    rows, columns = int(height / grain) + 3, int(width / grain) + 3
    values = rng.standard_normal((rows, columns), dtype=np.float32)
    # The start is a random fraction of a grain, so that the grid of values has no fixed position in the image.
    top, left = rng.random(2)
    box = (left, top, left + width / grain, top + height / grain)
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC, box=box)) * np.float32(
        1.3
    )
