"""Variety: how much drawn smears differ from each other, as films, stains, microscopes and cameras.

"mild" is one laboratory with several microscopes; "wide" is what smears from anywhere look like, and more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minunet.data.synthetic import background, debris
from minunet.data.synthetic.camera import sample_camera
from minunet.data.synthetic.film import Film, sample_film
from minunet.data.synthetic.microscope import Microscope, as_bytes, sample_microscope, sample_wide_microscope
from minunet.data.synthetic.slide import Slide
from minunet.data.synthetic.stain import sample_absorbance, sample_wide_absorbance
from minunet.data.synthetic.wide_film import sample_wide_film

SIZE_SPREAD = 0.16  # of the logarithm of the mean cell radius, from one smear of the wide variety to another


@dataclass(frozen=True)
class Variety:
    """The functions that draw the parts of a smear at random."""

    film: Callable[[np.random.Generator, float], Film]
    absorbance: Callable[[np.random.Generator, float], np.ndarray]
    microscope: Callable[[np.random.Generator, float], Microscope]
    cover: Callable[[np.random.Generator, Slide, Film], None]
    wide: bool

    def photograph(self, rng: np.random.Generator, slide: Slide, film: Film) -> np.ndarray:
        """A photograph (H, W, 3) uint8 of the slide, with an instrument and a stain drawn at random."""
        microscope = self.microscope(rng, film.radius)
        light = microscope.light(rng, slide.stains, self.absorbance(rng, film.strength))
        return sample_camera(rng, film.radius).develop(rng, light) if self.wide else as_bytes(light)

    def white_cells(self, film: Film, width: int, height: int) -> float:
        """The mean number of white cells in an image."""
        if self.wide:
            return film.white_cells * film.coverage * width * height / (np.pi * film.radius**2)
        return float(film.white_cells * (width * height / 256**2) ** 0.5)


VARIETIES = {
    "mild": Variety(sample_film, sample_absorbance, sample_microscope, debris.scatter, wide=False),
    "wide": Variety(sample_wide_film, sample_wide_absorbance, sample_wide_microscope, background.cover, wide=True),
}
