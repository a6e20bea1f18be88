"""Augmentation: random variants of an image and its mask, so that a network learns cells in general and not these images.

Geometric changes apply to image and mask alike; changes of brightness, contrast and lighting apply to the image only.
"""

from __future__ import annotations

import math

import numpy as np

from minunet.data.lighting import LIGHTINGS, relight
from minunet.data.reading.preprocessing import IGNORED
from minunet.data.warp import affine_coordinates, elastic_displacement, nearest, resample
from minunet.errors import UserError

LEVELS = ("none", "light", "full")

BRIGHTNESS = {"light": 0.05, "full": 0.15}  # added, as a fraction of white, at most
CONTRAST = {"light": 0.1, "full": 0.25}  # the deviation from the mean grows or shrinks by this share at most
MAX_ANGLE = math.radians(15)
MAX_SCALE = 1.2
ELASTIC = 0.15  # standard deviation of the elastic grid's vectors, in grid intervals


def augment(
    image: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
    level: str,
    lighting: str = "mild",
    *,
    classes: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """A random variant of an image and its mask.

    Parameters
    ----------
    image : ndarray, (H, W, C) float32 in [0, 1]
    mask : ndarray, (H, W, T) float32
        The first channel in [0, 1], or with `classes` indices; or `IGNORED`. The others are further targets and weights,
        which are not negative.
    rng : Generator
        The same generator state gives the same variant.
    level : "none", "light" or "full"
        "light": mirroring, quarter turns (half turns unless the image is square) and mild changes of brightness and
        contrast. "full": also rotated by up to 15 degrees, enlarged or shrunk by a factor of up to 1.2 and elastically
        deformed, with stronger changes of brightness and contrast; borders are filled with the mirrored image.
    lighting : "mild" or "wide"
        "wide": the brightness is also multiplied, and the curve and the colour of the light changed, as by another lamp
        or camera (see `relight`); not with the level "none". "mild": only the changes of the level.
    classes : bool
        Whether the first channel of the mask holds indices of classes, which are never interpolated.

    Returns
    -------
    image, mask : ndarray
        Of the same shapes and ranges, new arrays. A first channel that consists of 0 and 1, or of indices, stays so, and
        `IGNORED` pixels stay exactly `IGNORED`.

    Raises
    ------
    UserError
        If there is no such level or lighting.
    """
    if problems := augmentation_problems(level, lighting):
        raise UserError(problems)
    if level == "none":
        return image.copy(), mask.copy()
    image, mask = _mirrored(image, mask, rng)
    if level == "full":
        image, mask = _warped(image, mask, rng, classes)
    if lighting == "wide":
        image = relight(image, rng)
    image = _toned(image, rng, level)  # after it: what a lamp has made white then differs from image to image
    return image, np.array(mask, order="C")  # a copy: the mask may still be the caller's array


def augmentation_problems(level: str, lighting: str) -> list[str]:
    """A sentence for each of the two that does not exist."""
    problems = [] if level in LEVELS else [f"augmentation {level!r}: choose none, light or full."]
    return problems + ([] if lighting in LIGHTINGS else [f"lighting {lighting!r}: choose mild or wide."])


def _mirrored(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    flip_rows, flip_columns, swap = rng.integers(0, 2, 3)  # for a square: all eight symmetries

    def mirror(array: np.ndarray) -> np.ndarray:
        array = array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return array.swapaxes(0, 1) if swap and array.shape[0] == array.shape[1] else array

    return mirror(image), mirror(mask)


def _warped(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator, classes: bool
) -> tuple[np.ndarray, np.ndarray]:
    height, width = image.shape[:2]
    angle = rng.uniform(-MAX_ANGLE, MAX_ANGLE)
    scale = MAX_SCALE ** rng.uniform(-1, 1)
    coordinates = affine_coordinates((height, width), angle, scale)
    coordinates += elastic_displacement((height, width), rng, ELASTIC)
    channels, cell = image.shape[2], mask[..., :1]
    if classes:
        both = resample(np.concatenate([image, mask[..., 1:]], axis=2), coordinates)
        return both[..., :channels], np.concatenate([nearest(cell, coordinates), both[..., channels:]], axis=2)
    counted = (cell != IGNORED).astype(np.float32)
    if counted.all():
        both = resample(np.concatenate([image, mask], axis=2), coordinates)  # (H, W, C + T), resampled together
        warped, others = both[..., channels : channels + 1], both[..., channels + 1 :]
        return both[..., :channels], np.concatenate([_binary_again(warped, cell), others], axis=2)
    # What is ignored has no value that could be interpolated: the mean of the others is taken, by their shares.
    every = resample(np.concatenate([image, cell * counted, mask[..., 1:], counted], axis=2), coordinates)
    warped, others, share = every[..., channels : channels + 1], every[..., channels + 1 : -1], every[..., -1:]
    values = _binary_again(warped / np.maximum(share, 1e-6), cell * counted)
    values = np.where(share >= 0.5, values, np.float32(IGNORED))
    return every[..., :channels], np.concatenate([values, others], axis=2)


def _binary_again(warped: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The values of a mask that was resampled, 0 and 1 where it had only these."""
    if not np.any((mask != 0) & (mask != 1)):
        return (warped >= 0.5).astype(np.float32)
    return np.clip(warped, 0, 1)


def _toned(image: np.ndarray, rng: np.random.Generator, level: str) -> np.ndarray:
    contrast = np.float32(1 + rng.uniform(-CONTRAST[level], CONTRAST[level]))
    brightness = np.float32(rng.uniform(-BRIGHTNESS[level], BRIGHTNESS[level]))
    mean = np.float32(image.mean(dtype=np.float64))
    toned = np.multiply(image, contrast, order="C")
    toned += mean - contrast * mean + brightness
    return np.clip(toned, 0, 1, out=toned)
