"""Texture: smooth random fields, the grain of cytoplasm, chromatin, stain and sensor."""

from __future__ import annotations

import numpy as np
from PIL import Image


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> np.ndarray:
    """Random field of about unit variance whose bumps are about `grain` pixels across.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (height, width)
    grain : float
        Distance between the independent values that the field runs smoothly through, in pixels.

    Returns
    -------
    ndarray, float32, (height, width)
    """
    height, width = shape
    rows, columns = int(height / grain) + 3, int(width / grain) + 3
    values = rng.standard_normal((rows, columns), dtype=np.float32)
    # A window of whole grains that starts at a random fraction of one, so that the lattice never lies on the window's edge.
    top, left = rng.random(2)
    box = (left, top, left + width / grain, top + height / grain)
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC, box=box)) * np.float32(
        1.3
    )
