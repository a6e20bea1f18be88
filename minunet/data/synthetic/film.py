"""A blood film: the properties that all cells of one smear share, since it is one patient's blood, spread and stained once.

It holds sizes, densities and probabilities; the single cells vary around them.
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
WHITE_ODDS = (0.60, 0.28, 0.08, 0.04)  # approximately the differential count of a healthy adult


def red_cell_radius(width: int, height: int) -> float:
    """Radius of a red cell in pixels: 19 in a 256x256 image, 58 in a 1600x1200 one.

    It grows more slowly than the image, since a larger image of a microscope's camera shows more cells, not only larger
    ones.
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
    pallor: float  # the share of a discocyte's thickness that is missing in its centre, 0 to 1
    hollow: float  # radius of the central pallor
    plateau: float  # how flat the pallor is and how sharp its edge, 0 to 1
    roundness: float  # exponent of the decrease at the edge: 0 for a flat dried cell, 0.5 for the ellipsoidal one of a living cell
    rim: float  # strength of the dark line along the edge, caused by refraction
    halo: float  # strength of the bright line outside it
    blurred: float  # probability that a cell is out of the plane of focus
    inclusions: float  # probability of a malaria ring or a Howell-Jolly body
    shape_odds: tuple[float, ...]  # probability of each of RED_SHAPES
    coverage: float  # share of the image that red cells would cover if none overlapped
    clumping: float  # probability that a red cell is next to another
    rouleaux: float  # probability that a clump continues in a line, like a stack of coins
    white_cells: float  # mean number in an image of 256 x 256 pixels of the mild variety; in the wide one, per red cell
    # Only films of the wide variety have the following; the others keep the defaults.
    overlap: float = 0.4  # the largest share of a cell that may cover others
    packed: bool = False  # whether cells that touch flatten each other, as in a thick part of the film
    texture: float = 0.035  # relative variation of the thickness within a cell
    highlights: float = 0.0  # probability of a bright, refractile spot or ring in a red cell
    parasites: float = 0.0  # share of the inclusions that are grown malaria parasites
    elongation: float = 1.9  # length / width of the longest elliptocytes; more than 2.5 is a sickle cell
    white_size: float = 1.0  # size of the white cells, relative to the usual one


def sample_film(rng: np.random.Generator, radius: float) -> Film:
    """Draw a film; `radius` is the mean radius of its red cells in pixels.

    Half of the films consist mostly of discocytes. In the others another kind is frequent: crenated cells (echinocytes of
    an old sample), thick cells (without pallor), oval and pointed cells (the edge of a film), or a mixture.
    """
    odds = np.array([0.72, 0.06, 0.09, 0.03, 0.02, 0.04, 0.02, 0.02])
    pallor = rng.uniform(0.65, 1.1)
    strength = np.exp(rng.uniform(np.log(0.10), np.log(0.44)))
    kind = rng.random()
    if kind < 0.12:
        odds += 1.2 * np.eye(8)[4]
    elif kind < 0.26:
        odds += 0.8 * np.eye(8)[5]
        pallor *= 0.35
    elif kind < 0.36:
        odds += 0.5 * np.eye(8)[2] + 0.2 * np.eye(8)[3]
        pallor *= 0.6
    elif kind < 0.50:
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
