"""Lighting: an image as another lamp, exposure or camera would have given it, so that a network does not learn those of its images.

Only tones change, no shapes. Values above white are cut off, as in a camera, so that a network also learns cells that are
overexposed.
"""

from __future__ import annotations

import math

import numpy as np

LIGHTINGS = ("mild", "wide")

# The range of each change in "wide", found on real smears: docs/robustness.md.
GAIN = (0.7, 2.0)  # the lamp or the exposure: all values times this; more often brighter, where white is cut off
GAMMA = 1.2  # the camera's curve: exponents from 1 / 1.2 to 1.2
BALANCE = 1.25  # the colour of the lamp: each channel of a colour image times 1 / 1.25 to 1.25
# This share of the images stays as it is, so that nothing is lost under the training images' own lighting.
UNCHANGED = 0.3


def relight(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random other lighting of an image: `image ** gamma * gain * balance`, cut off at white.

    The three factors are drawn uniformly on a logarithmic scale; `balance` differs between the channels of an image in colour,
    and its mean is 1.

    Parameters
    ----------
    image : ndarray, (H, W, C) float32 in [0, 1]
    rng : Generator

    Returns
    -------
    ndarray, (H, W, C) float32 in [0, 1]
        A new array.
    """
    unchanged = rng.random() < UNCHANGED
    gain = math.exp(rng.uniform(math.log(GAIN[0]), math.log(GAIN[1])))
    gamma = GAMMA ** rng.uniform(-1, 1)
    balance = BALANCE ** rng.uniform(-1, 1, image.shape[2])
    if unchanged:
        return image.copy()
    factors = gain * (balance / balance.mean() if image.shape[2] > 1 else np.ones(1))
    relit = np.power(image, np.float32(gamma), order="C")
    relit *= factors.astype(np.float32)
    return np.minimum(relit, 1, out=relit)
