"""Wide films: blood films of the wide variety, which differ as those of many laboratories, patients and stains do.

The properties are those of `Film`, over larger ranges.
"""

from __future__ import annotations

import numpy as np

from minunet.data.synthetic.film import Film

# The shapes of `RED_SHAPES` in a film where one kind is frequent, added to those of a usual film.
USUAL = np.array([0.72, 0.06, 0.09, 0.03, 0.02, 0.04, 0.02, 0.02])
FREQUENT = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.5, 0.2, 0.0, 0.0],  # crenated cells of an old sample
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],  # cells without pallor
        [0.0, 0.0, 0.8, 0.4, 0.0, 0.0, 0.0, 0.0],  # oval and pointed cells
        [0.0, 0.7, 0.1, 0.0, 0.0, 0.0, 0.2, 0.5],  # pallor like a mouth, a target, or two
    ]
)
FREQUENT_ODDS = (0.44, 0.15, 0.15, 0.14, 0.12)


def sample_wide_film(rng: np.random.Generator, radius: float) -> Film:
    """Draw a film of the wide variety; `radius` is the mean radius of its red cells in pixels."""
    strength = float(np.exp(rng.uniform(np.log(0.06), np.log(1.0))))
    odds = USUAL + FREQUENT[rng.choice(len(FREQUENT), p=FREQUENT_ODDS)]
    if rng.random() < 0.15:
        odds = rng.dirichlet(np.ones(odds.size))
    pallor, hollow = rng.choice([rng.uniform(0.0, 0.5), rng.uniform(0.5, 1.2)]), rng.uniform(0.55, 1.15)
    # The lines of refraction of stained cells go with their strength; cells without a stain consist of them.
    rim = rng.choice([rng.uniform(0.0, 0.1), strength * rng.uniform(0.1, 0.7)])
    halo = rng.choice([0.0, strength * rng.uniform(0.0, 0.5)], p=[0.6, 0.4])
    if rng.random() < 0.06:
        rim, strength = rng.uniform(0.10, 0.35), strength * 0.3
    crowd = rng.choice(3, p=[0.25, 0.45, 0.30])
    coverage = float([rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.5), rng.uniform(0.5, 1.1)][crowd])
    return Film(
        radius=radius,
        strength=strength,
        size_spread=rng.uniform(0.03, 0.22),
        strength_spread=rng.uniform(0.04, 0.30),
        wobble=rng.uniform(0.01, 0.07),
        pallor=float(pallor),
        hollow=hollow,
        plateau=rng.uniform(0.0, 1.0),
        roundness=rng.uniform(0.03, 0.45),
        rim=float(rim),
        halo=float(halo),
        blurred=float(rng.choice([0.02, 0.15, 0.45], p=[0.55, 0.25, 0.2])),
        inclusions=float(rng.choice([0.0, 0.04, 0.2], p=[0.5, 0.3, 0.2])),
        shape_odds=tuple((odds / odds.sum()).tolist()),
        coverage=coverage,
        clumping=rng.uniform(0.0, 0.9),
        rouleaux=float(rng.choice([0.05, 0.7], p=[0.75, 0.25])),
        white_cells=float(rng.choice([rng.uniform(0.0, 0.03), rng.uniform(0.03, 0.12)], p=[0.75, 0.25])),
        overlap=rng.uniform(0.05, 0.6),
        packed=bool(rng.random() < 0.25),
        texture=rng.choice([0.035, rng.uniform(0.04, 0.25)], p=[0.6, 0.4]),
        highlights=float(rng.choice([0.0, rng.uniform(0.02, 0.5)], p=[0.65, 0.35])),
        parasites=rng.uniform(0.0, 0.8),
        elongation=rng.uniform(1.5, 3.5),
        white_size=rng.uniform(0.9, 1.35),
    )
