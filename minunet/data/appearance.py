"""Appearance: how an image looks, in a few numbers: its tones, its sharpness, the size of what is in it, and its colours.

They do not need a mask, so that a new image can be compared with the images that a model was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.cell_size import mean_diameter
from minunet.data.reading.pixels import to_grey
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_area
from minunet.data.reading.threshold import otsu_threshold

LONGEST_WINDOW = 2048  # pixels; of a larger image the middle is measured
COLOUR_SAMPLE = 400  # colours are measured on at most about this many rows and columns
NO_CONTRAST = 0.02  # of white: below this difference of tones, an image has no structure to measure
WHITE = 0.995


@dataclass(frozen=True)
class Appearance:
    """What is measured of an image. Tones are those of the network's input: 0 is black, 1 is white.

    Attributes
    ----------
    dark, middle, bright : float
        The 5th, 50th and 95th percentile of the tones.
    white_share : float
        The share of pixels at white.
    balance : float
        Where the middle tone lies between the dark (0) and the bright one (1): near 1 for dark cells on a bright
        background, near 0 for a negative of such an image.
    sharpness : float or None
        The logarithm to base 10 of the variance of the Laplacian divided by that of the tones, at the size of the network's
        input. None without contrast.
    fine_sharpness : float or None
        The same at twice that size, where a blur shows earlier; None also for an image that is not that large.
    structure : float or None
        The typical width in pixels, at the size of the network's input, of what is darker than Otsu's threshold. None without
        contrast.
    stain : (float, float, float) or None
        The colour of what is darker than the background: its optical densities in red, green and blue as a vector of length 1.
        None for a grey image or without contrast.
    light : (float, float, float) or None
        The colour of the background as shares of red, green and blue. None for a grey image.
    """

    dark: float
    middle: float
    bright: float
    white_share: float
    balance: float
    sharpness: float | None = None
    fine_sharpness: float | None = None
    structure: float | None = None
    stain: tuple[float, ...] | None = None
    light: tuple[float, ...] | None = None

    @property
    def has_contrast(self) -> bool:
        """Whether there is anything to see."""
        return self.structure is not None


def middle_window(shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of an image (H, W) that are measured: all, or the middle of a large one."""
    starts = [max(0, (length - LONGEST_WINDOW) // 2) for length in shape]
    rows, columns = (slice(start, start + LONGEST_WINDOW) for start in starts)
    return rows, columns


def measure_appearance(
    window: np.ndarray, preprocessing: Preprocessing, shape: tuple[int, int] | None = None
) -> Appearance:
    """Measure an image.

    Parameters
    ----------
    window : ndarray, (h, w) or (h, w, C)
        The `middle_window` of a decoded image, or the image itself, of which that is then taken.
    preprocessing : Preprocessing
        Of the model; its size says how much the network sees.
    shape : (H, W), optional
        Of the image that `window` is part of; by default its own.
    """
    if shape is None:
        shape = (window.shape[0], window.shape[1])
        window = window[middle_window(shape)]
    tones = _grey(preprocessing.values(window))
    seen = tones if preprocessing.size is None else _resized(tones, shape, preprocessing.size, 1)
    assert seen is not None
    dark, middle, bright = (float(value) for value in np.percentile(seen, (5, 50, 95)))
    contrast = float(seen.max() - seen.min())
    flat = contrast < NO_CONTRAST
    stain, light = _colours(window, flat)
    fine = None if flat or preprocessing.size is None else _resized(tones, shape, preprocessing.size, 2)
    return Appearance(
        dark=dark,
        middle=middle,
        bright=bright,
        white_share=float(np.mean(seen >= WHITE)),
        balance=0.5 if bright - dark < NO_CONTRAST else (middle - dark) / (bright - dark),
        sharpness=None if flat else _sharpness(seen),
        fine_sharpness=None if fine is None else _sharpness(fine),
        structure=None if flat else mean_diameter(seen <= otsu_threshold(seen)),
        stain=stain,
        light=light,
    )


def _grey(values: np.ndarray) -> np.ndarray:
    """(h, w, C) -> (h, w)"""
    return to_grey(values) if values.shape[2] == 3 else values.mean(axis=2)


def _resized(tones: np.ndarray, shape: tuple[int, int], size: tuple[int, int], times: int) -> np.ndarray | None:
    """Part of an image as it is when the image has `times` the network's size; None where that would enlarge it."""
    (height, width), (image_height, image_width) = tones.shape, shape
    wanted = (
        max(1, round(width * times * size[0] / image_width)),
        max(1, round(height * times * size[1] / image_height)),
    )
    if times > 1 and (wanted[0] > width or wanted[1] > height):
        return None
    return np.clip(resize_area(tones[..., None], wanted)[..., 0], 0, 1)


def _sharpness(tones: np.ndarray) -> float | None:
    if min(tones.shape) < 3:
        return None
    inner = tones[1:-1, 1:-1]
    laplacian = 4 * inner - tones[:-2, 1:-1] - tones[2:, 1:-1] - tones[1:-1, :-2] - tones[1:-1, 2:]
    ratio = float(laplacian.var()) / max(float(tones.var()), 1e-12)
    return float(np.log10(max(ratio, 1e-9)))


def _colours(window: np.ndarray, flat: bool) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """The colour of the stain and that of the light; ratios of channels, so that the unit of the values does not matter."""
    if window.ndim != 3 or window.shape[2] != 3:
        return None, None
    step = max(1, max(window.shape[:2]) // COLOUR_SAMPLE)
    colours = np.maximum(window[::step, ::step].reshape(-1, 3).astype(np.float64), 0)  # (pixels, 3)
    colours += max(float(colours.max()), 1e-9) / 256  # black has no density
    grey = colours.mean(axis=1)
    threshold = otsu_threshold(grey)
    background = np.median(colours[grey > threshold], axis=0) if (grey > threshold).any() else colours.mean(axis=0)
    light = tuple(float(share) for share in background / background.sum())
    if flat or not (grey <= threshold).any():
        return None, light
    density = np.log(background / colours[grey <= threshold].mean(axis=0))
    length = float(np.linalg.norm(density))
    return (tuple(float(part) for part in density / length) if length > NO_CONTRAST else None), light
