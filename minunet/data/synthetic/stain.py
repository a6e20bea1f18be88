"""Stains: the substances on the slide that absorb light, and how strongly they do in red, green and blue.

The absorbances of layers on top of each other add up (Beer-Lambert: I = I0 * 10 ** -(c1 a1 + c2 a2 + ...)), so a smear is
drawn as one map of concentrations per stain and converted to light once, at the end.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stain(IntEnum):
    """The stains; a slide has one map for each."""

    HAEMOGLOBIN = 0  # red cells
    CHROMATIN = 1  # nuclei, platelet granules, precipitate: azure B on DNA, deep purple
    CYTOPLASM = 2  # lymphocyte and monocyte cytoplasm, the plasma film: pale blue
    GRANULES = 3  # neutrophil and platelet granules, fibres: pink to magenta
    EOSIN = 4  # eosinophil granules: orange
    NEUTRAL = 5  # dust, and the dark and bright lines of refraction along an edge: colourless


# Optical density in R, G, B, relative to that in G. Red cells look violet, slate, teal or mauve, depending on the pH of the
# buffer, the age of the stain and the camera; a smear has a mixture of these four colours.
RED_CELL_LOOKS = np.array([[0.80, 1.0, 0.38], [1.05, 1.0, 0.66], [1.60, 1.0, 0.60], [0.82, 1.0, 0.72]])
OTHERS = np.array([[0.78, 1.0, 0.42], [0.95, 0.62, 0.24], [0.38, 1.0, 0.45], [0.18, 0.75, 0.85], [1.0, 1.0, 1.0]])


def sample_absorbance(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Draw the absorbances of the stains of one smear.

    Parameters
    ----------
    rng : numpy.random.Generator
    strength : float
        Optical density of the thickest part of a red cell in the green channel.

    Returns
    -------
    ndarray, float32, (6, 3)
        Optical density of a unit concentration of each stain in R, G and B.
    """
    red = rng.dirichlet([0.7, 0.6, 0.25, 0.35]) @ RED_CELL_LOOKS
    absorbance = np.concatenate([red[None] * strength, OTHERS])
    absorbance[1:5] *= rng.uniform(0.8, 1.2)
    absorbance[:5] *= rng.normal(1, 0.06, (5, 3)).clip(0.8, 1.2)
    return absorbance.astype(np.float32)


# Further colours of red cells: pink and orange as in eosin-rich stains, brown, grey, and red as without any stain.
WIDE_LOOKS = np.concatenate(
    [RED_CELL_LOOKS, [[0.25, 1.0, 0.60], [0.35, 0.85, 1.0], [0.55, 0.9, 1.1], [1.0, 1.0, 1.0], [0.15, 1.0, 0.9]]]
)


def sample_wide_absorbance(rng: np.random.Generator, strength: float) -> np.ndarray:
    """Draw the absorbances of the stains of one smear of the wide variety; see `sample_absorbance`."""
    red = rng.dirichlet(np.full(len(WIDE_LOOKS), 0.3)) @ WIDE_LOOKS
    absorbance = np.concatenate([red[None] * strength, OTHERS])
    absorbance[1:5] *= np.exp(rng.normal(0, 0.35))  # one more or less stained than another, as a whole
    absorbance[1:5] *= np.exp(rng.normal(0, 0.25, (4, 1)))
    absorbance[:5] *= rng.normal(1, 0.12, (5, 3)).clip(0.6, 1.4)
    return absorbance.astype(np.float32)
