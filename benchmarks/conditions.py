"""Conditions: an image as another lamp, camera or focus would have given it.

Each is a name and a function of a decoded 8-bit image; values beyond white or below black are cut off, as in a camera.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

Condition = Callable[[np.ndarray, np.random.Generator], np.ndarray]

BRIGHTNESS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
GAMMA = (0.7, 1.4)
# Red, green and blue gains: a warm (tungsten) and a cold lamp, and a camera whose white balance is too green.
WHITE_BALANCE = {"warm": (1.1, 1.0, 0.75), "cold": (0.8, 0.95, 1.1), "green": (0.85, 1.0, 0.85)}
BLUR = (2.0, 4.0)  # standard deviation in pixels of the file
JPEG_QUALITY = 50
NOISE = (0.05, 0.1)  # standard deviation as a share of white


def conditions() -> dict[str, Condition]:
    """Every condition by its name, in the order of the table; the first is the image as it is."""
    table: dict[str, Condition] = {"as it is": lambda image, rng: image}
    for factor in BRIGHTNESS:
        if factor != 1:
            table[f"brightness x{factor}"] = gain_condition((factor,) * 3)
    for exponent in GAMMA:
        table[f"gamma {exponent}"] = _gamma(exponent)
    for name, gains in WHITE_BALANCE.items():
        table[f"white balance {name}, RGB x{gains[0]}, x{gains[1]}, x{gains[2]}"] = gain_condition(gains)
    for sigma in BLUR:
        table[f"blur, sigma {sigma:g} px"] = blur_condition(sigma)
    table[f"JPEG, quality {JPEG_QUALITY}"] = _jpeg
    for share in NOISE:
        table[f"noise, sigma {share:.0%} of white"] = _noise(share)
    return table


def gain_condition(gains: tuple[float, float, float]) -> Condition:
    """Each channel multiplied by its gain, in the order red, green, blue; a grey image by the gain of green."""
    return lambda image, rng: _bytes(image * np.float32(gains if image.ndim == 3 else gains[1]))


def _gamma(exponent: float) -> Condition:
    return lambda image, rng: _bytes(255 * (image / np.float32(255)) ** np.float32(exponent))


def blur_condition(sigma: float) -> Condition:
    """A Gaussian blur; its standard deviation is in pixels of the file."""
    return lambda image, rng: _bytes(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0)[: image.ndim]))


def _jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    with Image.open(buffer) as again:
        return np.asarray(again)


def _noise(share: float) -> Condition:
    return lambda image, rng: _bytes(image + 255 * share * rng.standard_normal(image.shape, np.float32))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
