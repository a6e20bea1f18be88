"""A white cell: a nucleus of one or several lobes in granular or pale blue cytoplasm.

Neutrophils, lymphocytes, monocytes and eosinophils differ as in a differential count: by size, lobes and granules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.synthetic import outline as outlines
from minunet.data.synthetic.drawn_class import DrawnClass
from minunet.data.synthetic.film import WHITE_ODDS, WHITE_SHAPES, Film
from minunet.data.synthetic.outline import DistanceField, Outline, Region
from minunet.data.synthetic.slide import Slide
from minunet.data.synthetic.stain import Stain
from minunet.data.synthetic.texture import smooth_noise

RADII = {
    "neutrophil": (1.45, 1.8),
    "lymphocyte": (1.05, 1.4),
    "monocyte": (1.6, 2.0),
    "eosinophil": (1.5, 1.8),
}  # in radii of a red cell


@dataclass(frozen=True)
class WhiteCell:
    """A white cell of a given type; see `sample_white_cell`. Lengths are in units of the cell's radius."""

    outline: Outline
    shape: str
    film: Film
    lobes: np.ndarray  # (n, 3): x, y and radius of each lobe of the nucleus
    chromatin: float  # concentration in the nucleus
    cytoplasm: float  # concentration of the blue stain in the cytoplasm
    softness: float

    kind = "white"

    @property
    def margin(self) -> float:
        """The distance beyond the outline, in pixels, up to which the cell is painted."""
        return self.softness + 2

    def paint(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        """Add the cytoplasm, granules and nucleus of the cell to the slide."""
        radius = self.outline.radius
        coverage = field.coverage(self.softness)
        u = np.minimum(field.u, 1)
        clouds = smooth_noise(rng, u.shape, 0.28 * radius)
        granules = smooth_noise(rng, u.shape, max(1.2, 0.05 * radius))
        nucleus = self._nucleus(field, rng)
        slide.mark(region, field.inside & (nucleus > 0.5), DrawnClass.NUCLEUS)
        free = coverage * (1 - 0.8 * nucleus)  # granules and cytoplasm are hardly visible through the nucleus
        blue = self.cytoplasm * np.clip(1 + 0.25 * clouds + 0.35 * u**6, 0.2, None)
        slide.add(Stain.CYTOPLASM, region, blue * free)
        if self.shape == "neutrophil":
            slide.add(Stain.GRANULES, region, (0.09 + 0.06 * np.clip(granules, -1.0, 1.6)) * free)
        elif self.shape == "eosinophil":
            slide.add(Stain.EOSIN, region, (0.20 + 0.15 * np.clip(granules, -0.9, 1.2)) * free)
        else:
            slide.add(Stain.GRANULES, region, (0.03 + 0.10 * np.clip(granules - 1.3, 0, 1)) * free)
        clumps = smooth_noise(rng, u.shape, max(1.5, 0.13 * radius))
        texture = np.clip(1 + 0.16 * clumps + 0.06 * granules, 0.5, 1.5)
        slide.add(Stain.CHROMATIN, region, self.chromatin * nucleus * texture * coverage)

    def _nucleus(self, field: DistanceField, rng: np.random.Generator) -> np.ndarray:
        """The share of each pixel that the nucleus covers, 0 to 1.

        The nucleus is where a sum of Gaussians, one per lobe, is above a level. Neighbouring Gaussians merge, like the lobes
        of a segmented nucleus.
        """
        wave = 0.05 * smooth_noise(rng, field.u.shape, 0.35 * self.outline.radius)
        x, y = field.x + wave, field.y - wave
        gaussians = np.zeros_like(field.u)
        for lobe_x, lobe_y, size in self.lobes.tolist():
            # exp(-1.39) = 0.25, the level below: a single lobe ends at its radius.
            gaussians += np.exp(((x - lobe_x) ** 2 + (y - lobe_y) ** 2) * np.float32(-1.39 / size**2))
        blur = max(0.9, 0.8 * self.softness) / self.outline.radius  # of the edge, in radii
        steepness = 0.25 * 2.8 / self.lobes[:, 2].mean()  # slope of a Gaussian at the level, per radius
        ramp = np.clip((gaussians - 0.25) / (steepness * blur) + 0.5, 0, 1)
        return ramp * ramp * (3 - 2 * ramp)


def sample_lobes(rng: np.random.Generator, shape: str) -> np.ndarray:
    """The lobes (n, 3) of a nucleus: x, y and radius of each, in units of the cell's radius."""
    if shape == "lymphocyte":  # one round nucleus that fills most of the cell, rarely in its middle
        return np.array([[*rng.normal(0, 0.06, 2), rng.uniform(0.74, 0.86)]])
    if shape == "monocyte":  # shaped like a kidney
        count, size, bow, span = 4, 0.36, 0.30, rng.uniform(2.2, 3.2)
    elif shape == "eosinophil":  # two lobes, like a pair of glasses
        count, size, bow, span = 2, rng.uniform(0.34, 0.4), 0.42, rng.uniform(2.2, 2.9)
    else:
        count = int(rng.choice([2, 3, 4, 5], p=[0.15, 0.40, 0.33, 0.12]))
        size, bow, span = rng.uniform(0.25, 0.31), 0.46, (count - 1) * rng.uniform(1.15, 1.35)
    angles = np.linspace(-span / 2, span / 2, count) + rng.normal(0, 0.08, count)
    bows = bow * rng.uniform(0.8, 1.2, count)
    sizes = size * rng.uniform(0.82, 1.15, count)
    return np.stack([bows * np.cos(angles) - 0.05, bows * np.sin(angles), sizes], axis=1)


def sample_white_cell(
    rng: np.random.Generator, film: Film, x: float, y: float, radius: float | None = None
) -> WhiteCell:
    """Draw a white cell centred on pixel coordinates (x, y); its radius in pixels depends on its type unless it is given."""
    shape = WHITE_SHAPES[rng.choice(len(WHITE_SHAPES), p=WHITE_ODDS)]
    if radius is None:
        radius = film.radius * rng.uniform(*RADII[shape]) * film.white_size
    curve = outlines.ellipse(rng, rng.uniform(1.0, 1.15), 0.035)
    return WhiteCell(
        outline=Outline(x, y, rng.uniform(0, 2 * np.pi), outlines.scaled(curve, radius)),
        shape=shape,
        film=film,
        lobes=sample_lobes(rng, shape),
        chromatin=rng.uniform(0.42, 0.75),
        cytoplasm={"lymphocyte": 0.17, "monocyte": 0.14}.get(shape, 0.05) * rng.uniform(0.7, 1.4),
        softness=max(1.0, radius * rng.choice([0.04, 0.1])),
    )
