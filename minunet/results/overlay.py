"""Overlays: the contour of a mask drawn on its image, so that one sees the cell and what was predicted."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minunet.results.picture import drop_channel_axis, to_uint8_rgb

CONTOUR = (0, 205, 90)  # green: far from the violet of stained cells and from the pale background alike
UNCERTAIN = (255, 140, 0)  # orange
WIDEST = 8  # pixels, of a line in a picture that one zooms into


def find_boundaries(instances: np.ndarray, thickness: int = 1) -> np.ndarray:
    """The inner boundary of every instance.

    Parameters
    ----------
    instances : ndarray (H, W)
        Integer labels, 0 for background, or a boolean mask, which is one instance.
    thickness : int
        Width of the line in pixels, drawn inwards.

    Returns
    -------
    ndarray, bool, (H, W)
        The pixels of an instance within `thickness` steps (up, down, left, right) of a pixel of another label. The border
        of the image is not a boundary.
    """
    labels = drop_channel_axis(instances)
    if labels.ndim != 2:
        raise ValueError(f"instances are (H, W), not {labels.shape}")
    if labels.dtype == bool:
        return labels & (_steps_to_background(labels, thickness) <= thickness)
    rows, columns = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    inner = np.ones(labels.shape, bool)  # pixels whose neighbours have the same label
    for side in (inner[1:], inner[:-1]):
        side &= ~rows
    for side in (inner[:, 1:], inner[:, :-1]):
        side &= ~columns
    return (labels != 0) & (_steps_to_background(inner, thickness - 1) < thickness)


def _steps_to_background(mask: np.ndarray, most: int) -> np.ndarray:
    """The steps (up, down, left, right) from each pixel of a mask to the nearest pixel outside of it, at most `most` + 1."""
    dtype = np.int16 if most + mask.shape[1] < 2**15 - 1 else np.int32
    steps = np.where(mask, dtype(most + 1), dtype(0))
    for row in range(1, len(steps)):
        np.minimum(steps[row], steps[row - 1] + dtype(1), out=steps[row])
    for row in range(len(steps) - 2, -1, -1):
        np.minimum(steps[row], steps[row + 1] + dtype(1), out=steps[row])
    place = np.arange(mask.shape[1], dtype=dtype)
    for moving in (
        steps,
        steps[:, ::-1],
    ):  # the least of steps + distance, over the pixels to the left, then to the right
        moving -= place
        np.minimum.accumulate(moving, axis=1, out=moving)
        moving += place
    return steps


def line_width(shape: tuple[int, ...], shown: int = 400) -> int:
    """The width in pixels of a contour that is visible where an image (H, W, ...) is shown `shown` pixels wide."""
    return max(1, round(1.5 * shape[1] / shown))


def full_size_line(width: int, shown: int = 400) -> int:
    """As `line_width` for a picture at full size, `width` pixels wide; in a whole slide it is no wider than some pixels."""
    return min(line_width((0, width), shown), WIDEST)


def overlay(
    image: np.ndarray | Image.Image,
    mask: np.ndarray,
    probability: np.ndarray | None = None,
    *,
    colour: tuple[int, int, int] = CONTOUR,
    thickness: int | None = None,
) -> Image.Image:
    """Draw the contour of a mask on an image.

    Parameters
    ----------
    image : ndarray (H, W), (H, W, 1) or (H, W, 3), or PIL image
        See `minunet.results.picture.to_uint8_rgb`.
    mask : ndarray (H, W) or (H, W, 1)
        Boolean, integer labels (each has its own contour), or floating point, with a threshold of 0.5.
    probability : ndarray (H, W) or (H, W, 1), optional
        In [0, 1]; pixels are tinted orange in proportion to their uncertainty 4 p (1 - p).
    colour : (int, int, int)
        Of the contour.
    thickness : int, optional
        Of the contour in pixels; by default one that is visible when the whole image is shown.

    Returns
    -------
    PIL image, RGB, of the image's size

    Raises
    ------
    ValueError
        If the mask or the probability is of another size.
    """
    pixels = to_uint8_rgb(image)
    labels = _plane(mask, pixels.shape, "mask")
    if np.issubdtype(labels.dtype, np.floating):
        labels = labels >= 0.5
    p = None if probability is None else _plane(probability, pixels.shape, "probability")
    return Image.fromarray(paint(pixels, find_boundaries(labels, thickness or line_width(pixels.shape)), p, colour))


def paint(
    image: np.ndarray,
    contour: np.ndarray,
    probability: np.ndarray | None = None,
    colour: tuple[int, int, int] = CONTOUR,
) -> np.ndarray:
    """The overlay (H, W, 3) uint8 of a contour, (H, W) bool, and of probabilities (H, W); the arguments are those of `overlay`."""
    pixels = to_uint8_rgb(image).copy()
    if probability is not None:
        p = np.clip(probability.astype(np.float32), 0, 1)
        uncertainty = 0.75 * 4 * p * (1 - p)  # (H, W)
        for channel, orange in enumerate(np.array(UNCERTAIN, np.float32)):  # one at a time, for the memory
            values = pixels[..., channel].astype(np.float32)
            values += uncertainty * (orange - values)
            pixels[..., channel] = np.rint(values, out=values)
    pixels[contour] = colour
    return pixels


def _plane(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """An array of the size of an image of `shape`, as (H, W)."""
    plane = drop_channel_axis(array)
    if plane.shape != shape[:2]:
        raise ValueError(f"the {name} is {plane.shape}, the image {shape[:2]}")
    return plane
