"""Image measures: how light, how sharp and how unlike the others an image is, as numbers that take little memory.

They are measured on the image as training sees it, before it is resized.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.reading.pixels import to_grey
from minunet.data.reading.resize import resize_area

THUMBNAIL = 32  # pixels a side
STEEP = 0.99  # the steepest hundredth of an image is at the outlines
FLAT = 1e-3  # of black to white: below this contrast there is nothing to be sharp


def _light() -> np.ndarray:
    """Orthonormal columns that span the light of a thumbnail: 1, x, y, x^2, xy, y^2; (THUMBNAIL**2, 6) float64."""
    place = np.linspace(-1, 1, THUMBNAIL)
    x, y = np.tile(place, THUMBNAIL), np.repeat(place, THUMBNAIL)
    return np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))[0]


LIGHT = _light()


@dataclass(frozen=True, eq=False)
class ImageMeasures:
    """The measures of one image, whose values are fractions: 0 is black, 1 is white.

    Attributes
    ----------
    brightness : float
        The mean grey.
    black_share, white_share : float
        The shares of pixels that are black or white in all channels: what is there was cut off.
    edge_width : float or None
        The width of the sharpest outlines in pixels: the image's contrast over its steepest slope. None for an image without
        contrast.
    descriptor : ndarray, (THUMBNAIL, THUMBNAIL) float16
        A thumbnail without the light of the microscope, which images share, of norm 1; zeros where nothing is left.
    """

    brightness: float
    black_share: float
    white_share: float
    edge_width: float | None
    descriptor: np.ndarray


def measure_values(values: np.ndarray) -> ImageMeasures:
    """Measure an image.

    Parameters
    ----------
    values : ndarray, (H, W, C) float32 in [0, 1]
        As `Preprocessing.values` returns it.
    """
    grey = to_grey(values) if values.shape[2] in (1, 3) else values.mean(axis=2)
    return ImageMeasures(
        brightness=float(grey.mean(dtype=np.float64)),
        black_share=float((values <= 0).all(axis=2).mean()),
        white_share=float((values >= 1).all(axis=2).mean()),
        edge_width=_edge_width(grey),
        descriptor=_descriptor(grey),
    )


def _edge_width(grey: np.ndarray) -> float | None:
    """Contrast over slope; the slope is that of Sobel's filter, so that noise counts little."""
    if min(grey.shape) < 3:
        return None
    ordered = np.sort(grey[:: max(1, grey.shape[0] // 400), :: max(1, grey.shape[1] // 400)], axis=None)
    contrast = float(ordered[int(0.995 * (len(ordered) - 1))] - ordered[int(0.005 * (len(ordered) - 1))])
    if contrast < FLAT:
        return None
    down = (grey[2:] - grey[:-2]) / 2
    right = (grey[:, 2:] - grey[:, :-2]) / 2
    down = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 4
    right = (right[:-2] + 2 * right[1:-1] + right[2:]) / 4
    slopes = np.hypot(down, right, out=down).ravel()
    place = int(STEEP * (len(slopes) - 1))
    steep = float(np.partition(slopes, place)[place])
    return contrast / steep if steep > 0 else None


def _descriptor(grey: np.ndarray) -> np.ndarray:
    thumbnail = resize_area(grey, (THUMBNAIL, THUMBNAIL)).astype(np.float64)
    detail = thumbnail - (LIGHT @ (LIGHT.T @ thumbnail.ravel())).reshape(thumbnail.shape)
    norm = float(np.linalg.norm(detail))
    if norm < FLAT * THUMBNAIL:  # an image without any detail is like no other
        return np.zeros(detail.shape, np.float16)
    return (detail / norm).astype(np.float16)
