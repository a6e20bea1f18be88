"""Small pictures to test with: a photograph-like image, a mask, and how they get onto the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photo(seed: int = 0, size: tuple[int, int] = (24, 16)) -> np.ndarray:
    """A noisy colour picture, (H, W, 3) uint8."""
    width, height = size
    return np.random.default_rng(seed).integers(60, 240, (height, width, 3)).astype(np.uint8)


GREY = photo()[..., 0]


def disc(seed: int = 0, size: tuple[int, int] = (24, 16)) -> np.ndarray:
    """A mask of one disc somewhere, (H, W) uint8 of 0 and 255."""
    width, height = size
    y, x = np.random.default_rng(seed).uniform(0.3, 0.7, 2) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    return np.where((rows - y) ** 2 + (columns - x) ** 2 < (min(size) / 4) ** 2, 255, 0).astype(np.uint8)


def save(path: Path, array: np.ndarray, **options) -> Path:
    """Write a picture, and the folders for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def saved(path: Path, image: Image.Image, **options) -> Path:
    """Write a picture of Pillow's."""
    image.save(path, **options)
    return path
