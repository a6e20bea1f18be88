"""Augmentation: the same image and mask as they might have looked, so that a network learns cells and not examples.

What moves pixels moves image and mask alike; what changes tones changes the image alone.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.data.warp import affine_coordinates, elastic_displacement, resample
from minunet.errors import UserError

LEVELS = ("none", "light", "full")

BRIGHTNESS = {"light": 0.05, "full": 0.15}  # added, as a fraction of white, at most
CONTRAST = {"light": 0.1, "full": 0.25}  # the spread about the mean grows or shrinks by this share at most
MAX_ANGLE = math.radians(15)
MAX_SCALE = 1.2
ELASTIC = 0.15  # standard deviation of the elastic grid's vectors, in grid intervals


def augment(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw a variant of an image and its mask.

    Parameters
    ----------
    image : ndarray, (H, W, C) float32 in [0, 1]
    mask : ndarray, (H, W, 1) float32 in [0, 1]
    rng : Generator
        The same generator state gives the same variant.
    level : "none", "light" or "full"
        "light": mirroring, quarter turns (half turns unless the picture is square) and mild changes of brightness and
        contrast. "full": also turned by up to 15 degrees, scaled by up to 1.2 either way, elastically deformed, with
        stronger changes of brightness and contrast; borders are filled with the mirrored picture.

    Returns
    -------
    image, mask : ndarray
        Of the same shapes and ranges, new arrays. A mask of nothing but 0 and 1 stays one.

    Raises
    ------
    UserError
        If there is no such level.
    """
    if level not in LEVELS:
        raise UserError(f"augmentation {level!r}: choose none, light or full.")
    if level == "none":
        return image.copy(), mask.copy()
    image, mask = _turned(image, mask, rng)
    if level == "full":
        image, mask = _warped(image, mask, rng)
    return _retoned(image, rng, level), np.array(mask, order="C")  # a copy, for unturned it is still the caller's


def _turned(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    flip_rows, flip_columns, swap = rng.integers(0, 2, 3)  # for a square these make all eight symmetries

    def turn(array: np.ndarray) -> np.ndarray:
        array = array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return array.swapaxes(0, 1) if swap and array.shape[0] == array.shape[1] else array

    return turn(image), turn(mask)


def _warped(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shape = image.shape[:2]
    angle = rng.uniform(-MAX_ANGLE, MAX_ANGLE)
    scale = MAX_SCALE ** rng.uniform(-1, 1)
    coordinates = affine_coordinates(shape, angle, scale)
    coordinates += elastic_displacement(shape, rng, ELASTIC)
    both = resample(np.concatenate([image, mask], axis=2), coordinates)  # (H, W, C + 1), gathered together
    warped = both[..., -1:]
    if not np.any((mask != 0) & (mask != 1)):
        warped = (warped >= 0.5).astype(np.float32)
    return both[..., :-1], np.clip(warped, 0, 1)


def _retoned(image: np.ndarray, rng: np.random.Generator, level: str) -> np.ndarray:
    contrast = np.float32(1 + rng.uniform(-CONTRAST[level], CONTRAST[level]))
    brightness = np.float32(rng.uniform(-BRIGHTNESS[level], BRIGHTNESS[level]))
    mean = np.float32(image.mean(dtype=np.float64))
    toned = np.multiply(image, contrast, order="C")
    toned += mean - contrast * mean + brightness
    return np.clip(toned, 0, 1, out=toned)
