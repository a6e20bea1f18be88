"""The background of films of the wide variety: dried plasma, cells far out of focus, dirt, hairs and bubbles.

Nothing of it is in the masks.
"""

from __future__ import annotations

import numpy as np

from minunet.data.synthetic import debris
from minunet.data.synthetic import outline as outlines
from minunet.data.synthetic.film import Film
from minunet.data.synthetic.outline import Outline
from minunet.data.synthetic.slide import Slide
from minunet.data.synthetic.stain import Stain
from minunet.data.synthetic.texture import smooth_noise


def cover(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """Cover the empty slide: what `debris.scatter` draws, and on some films what only the wide variety has."""
    debris.scatter(rng, slide, film)
    height, width = slide.instances.shape
    cells = width * height / (np.pi * film.radius**2)
    if rng.random() < 0.35:
        _plasma(rng, slide, film)
    if rng.random() < 0.25:
        for _ in range(rng.poisson(cells * rng.uniform(0.02, 0.4))):
            _far_cell(rng, slide, film)
    if rng.random() < 0.25:
        for _ in range(rng.poisson(cells * rng.uniform(0.02, 0.25))):
            debris.platelet(rng, slide, film)
    if rng.random() < 0.2:
        for _ in range(1 + rng.poisson(cells * 0.02)):
            _dirt(rng, slide, film)
    if rng.random() < 0.08:
        for _ in range(rng.integers(1, 4)):
            _hair(rng, slide, film)
    if rng.random() < 0.08:
        for _ in range(1 + rng.poisson(cells * 0.05)):
            _bubble(rng, slide, film)


def _plasma(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """Dried plasma: clouds, grains, or patches with an edge, pale blue or pink."""
    shape = slide.instances.shape
    stain = Stain(rng.choice([Stain.CYTOPLASM, Stain.GRANULES]))
    clouds = smooth_noise(rng, shape, film.radius * rng.uniform(0.8, 6))
    if rng.random() < 0.4:
        clouds = np.clip(clouds * rng.uniform(1, 12), 0, 1)
    grains = smooth_noise(rng, shape, max(1.2, film.radius * rng.uniform(0.08, 0.3)))
    amount = min(0.12, 0.5 * film.strength) * rng.uniform(0.1, 1)
    slide.stains[stain] += amount * np.clip(1 + 0.6 * clouds + rng.uniform(0, 0.5) * grains, 0, None)


def _far_cell(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A cell so far from the plane of focus that nobody would draw its outline: a wide shadow."""
    x, y = debris.random_place(rng, slide)
    radius = film.radius * rng.uniform(0.8, 1.4)
    shape = Outline(
        x, y, rng.uniform(0, np.pi), outlines.scaled(outlines.ellipse(rng, rng.uniform(1, 1.5), 0.05), radius)
    )
    soft = radius * rng.uniform(1.0, 2.0)
    region = shape.region(slide.instances.shape, 0.5 * soft + 1)
    if region is not None:
        slide.add(Stain.HAEMOGLOBIN, region, rng.uniform(0.1, 0.5) * shape.distance_field(region).coverage(soft))


def _dirt(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A clump of precipitate or pigment, nearly black."""
    x, y = debris.random_place(rng, slide)
    size, amount = film.radius * rng.uniform(0.08, 0.5), rng.uniform(0.2, 1.5)
    for _ in range(rng.integers(1, 8)):
        spot = max(0.6, size * rng.uniform(0.2, 0.7))
        debris.add_spot(slide, Stain.NEUTRAL, x + rng.normal(0, size), y + rng.normal(0, size), spot, amount)


def _hair(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A long thin line, dark or bright: a hair, or a scratch."""
    x, y = debris.random_place(rng, slide)
    angle, size = rng.uniform(0, 2 * np.pi), max(0.6, film.radius * rng.uniform(0.03, 0.12))
    amount, bend = rng.choice([-0.08, 0.15, 0.4]) * rng.uniform(0.3, 1), rng.normal(0, 0.02)
    for _ in range(int(min(400, rng.uniform(4, 20) * film.radius / size))):
        debris.add_spot(slide, Stain.NEUTRAL, x, y, size, amount)
        x, y, angle = x + 1.3 * size * np.cos(angle), y + 1.3 * size * np.sin(angle), angle + bend * rng.normal(1, 1)


def _bubble(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A drop of water or oil: a bright disc with a dark edge."""
    x, y = debris.random_place(rng, slide)
    radius = film.radius * rng.uniform(0.15, 0.8)
    shape = Outline(x, y, 0.0, outlines.scaled(outlines.disc(rng, 0.02), radius))
    region = shape.region(slide.instances.shape, 0.6 * radius + 2)
    if region is None:
        return
    field = shape.distance_field(region)
    edge = np.exp(-((field.distance / max(1.0, 0.12 * radius)) ** 2))
    slide.add(
        Stain.NEUTRAL, region, rng.uniform(0.05, 0.4) * edge - rng.uniform(0, 0.15) * field.coverage(0.3 * radius)
    )
