"""A film: what all cells of one smear share, because it is one patient's blood, spread and stained once.

It holds sizes, densities and odds; the cells of the smear vary around them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RED_SHAPES = (
    "discocyte",
    "stomatocyte",
    "elliptocyte",
    "teardrop",
    "echinocyte",
    "spherocyte",
    "codocyte",
    "knizocyte",
)
WHITE_SHAPES = ("neutrophil", "lymphocyte", "monocyte", "eosinophil")
WHITE_ODDS = (0.60, 0.28, 0.08, 0.04)  # the differential count of a healthy adult, roughly


def red_cell_radius(width: int, height: int) -> float:
    """Radius of a red cell in pixels: 19 in a 256x256 image, 58 in a 1600x1200 one.

    It grows slower than the image, as the larger image of a microscope's camera shows more cells, not only larger ones.
    """
    side = min(np.sqrt(width * height), 2 * min(width, height))
    return float(19.0 * (side / 256) ** 0.66)


@dataclass(frozen=True)
class Film:
    """Lengths are in units of `radius` unless they say pixels; concentrations are relative to the thickest part of a red cell."""

    radius: float  # pixels
    strength: float  # optical density of a red cell in green
    size_spread: float  # anisocytosis: relative standard deviation of the radius
    strength_spread: float  # of the haemoglobin of a cell
    wobble: float  # irregularity of the outlines
    pallor: float  # how much of a discocyte's thickness its centre lacks, 0 to 1
    hollow: float  # radius of the central pallor
    plateau: float  # how flat the pallor is within and how sharp its edge, 0 to 1
    roundness: float  # exponent of the edge's fall-off: 0 a flat dried cell, 0.5 the ellipsoidal edge of a living one
    rim: float  # strength of the dark line that refraction draws along the edge
    halo: float  # and of the bright one outside it
    blurred: float  # odds of a cell out of the plane of focus
    inclusions: float  # odds of a malaria ring or a Howell-Jolly body
    shape_odds: tuple[float, ...]  # of RED_SHAPES
    coverage: float  # part of the picture that red cells would cover if none overlapped
    clumping: float  # odds that a red cell lies against another
    rouleaux: float  # odds that a clump goes on in a line, as a pile of coins
    white_cells: float  # mean number in a picture of 256 x 256 pixels


def sample_film(rng: np.random.Generator, radius: float) -> Film:
    """Draw a film; `radius` is the mean radius of its red cells in pixels.

    Half of the films are mostly discocytes; the others lean to one other habit: crenated (echinocytes of an old sample),
    thick (no pallor), oval and pointed (the film's edge), or a mixture.
    """
    odds = np.array([0.72, 0.06, 0.09, 0.03, 0.02, 0.04, 0.02, 0.02])
    pallor = rng.uniform(0.65, 1.1)
    strength = np.exp(rng.uniform(np.log(0.10), np.log(0.44)))
    habit = rng.random()
    if habit < 0.12:
        odds += 1.2 * np.eye(8)[4]
    elif habit < 0.26:
        odds += 0.8 * np.eye(8)[5]
        pallor *= 0.35
    elif habit < 0.36:
        odds += 0.5 * np.eye(8)[2] + 0.2 * np.eye(8)[3]
        pallor *= 0.6
    elif habit < 0.50:
        odds = rng.dirichlet(np.ones(8))
    return Film(
        radius=radius,
        strength=float(strength),
        size_spread=rng.uniform(0.04, 0.12),
        strength_spread=rng.uniform(0.04, 0.16),
        wobble=rng.uniform(0.012, 0.038),
        pallor=float(pallor),
        hollow=rng.uniform(0.75, 1.10),
        plateau=rng.uniform(0.0, 1.0),
        roundness=rng.uniform(0.08, 0.32),
        rim=rng.uniform(0.0, 0.10),
        halo=rng.uniform(0.0, 0.03),
        blurred=rng.choice([0.02, 0.12], p=[0.7, 0.3]),
        inclusions=rng.choice([0.0, 0.02, 0.10], p=[0.6, 0.25, 0.15]),
        shape_odds=tuple((odds / odds.sum()).tolist()),
        coverage=rng.uniform(0.18, 0.50),
        clumping=rng.uniform(0.15, 0.75),
        rouleaux=rng.choice([0.1, 0.7], p=[0.8, 0.2]),
        white_cells=rng.uniform(0.3, 1.2),
    )
