"""An overlay: a mask's contour drawn on its image, so that one sees both where the cell is and what was found."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minunet.results.picture import to_picture

CONTOUR = (0, 205, 90)  # green: far from the violet of stained cells and from the pale background alike
DOUBT = (255, 140, 0)


def outline(instances: np.ndarray, thickness: int = 1) -> np.ndarray:
    """The inner edge of every instance.

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
        of the image is no edge.
    """
    labels = np.asarray(instances)
    if labels.ndim == 3 and labels.shape[2] == 1:
        labels = labels[:, :, 0]
    if labels.ndim != 2:
        raise ValueError(f"instances are (H, W), not {labels.shape}")
    labels = labels.astype(np.int64)
    core = labels.copy()  # what is left of each instance when its edge is peeled off, `thickness` times
    for _ in range(thickness):
        around = np.pad(core, 1, mode="edge")
        kept = core != 0
        for side in (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]):
            kept &= side == core
        core = np.where(kept, core, 0)
    return (labels != 0) & (core == 0)


def line_width(shape: tuple[int, ...], shown: int = 400) -> int:
    """A contour's width in pixels that is seen when an image of this shape (H, W, ...) is shown `shown` pixels wide."""
    return max(1, round(1.5 * shape[1] / shown))


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
        See `minunet.results.picture.to_picture`.
    mask : ndarray (H, W) or (H, W, 1)
        Boolean, integer labels (each gets its own contour), or floating point, cut at 0.5.
    probability : ndarray (H, W) or (H, W, 1), optional
        In [0, 1]; pixels are tinted orange by their doubt, 4 p (1 - p), so that one sees where the model wavered.
    colour : (int, int, int)
        Of the contour.
    thickness : int, optional
        Of the contour in pixels; by default one that is seen when the image is looked at whole.

    Returns
    -------
    PIL image, RGB, of the image's size

    Raises
    ------
    ValueError
        Where the mask or the probability is of another size.
    """
    pixels = to_picture(image).astype(np.float32)
    labels = _plane(mask, pixels.shape, "mask")
    if np.issubdtype(labels.dtype, np.floating):
        labels = labels >= 0.5
    if probability is not None:
        p = np.clip(_plane(probability, pixels.shape, "probability").astype(np.float32), 0, 1)
        doubt = (0.75 * 4 * p * (1 - p))[:, :, None]  # (H, W, 1)
        pixels += doubt * (np.array(DOUBT, np.float32) - pixels)
    pixels[outline(labels, thickness or line_width(pixels.shape))] = colour
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def _plane(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    plane = np.asarray(array)
    if plane.ndim == 3 and plane.shape[2] == 1:
        plane = plane[:, :, 0]
    if plane.shape != shape[:2]:
        raise ValueError(f"the {name} is {plane.shape}, the image {shape[:2]}")
    return plane
