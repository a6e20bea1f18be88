"""Debris: everything on a slide except cells; it is drawn into the image and never into the masks.

Platelets belong here too: they are fragments without a nucleus, and of the masks only those of classes show them.
"""

from __future__ import annotations

import numpy as np

from minunet.data.synthetic import outline as outlines
from minunet.data.synthetic.drawn_class import DrawnClass
from minunet.data.synthetic.film import Film
from minunet.data.synthetic.outline import Outline
from minunet.data.synthetic.slide import Slide
from minunet.data.synthetic.stain import Stain
from minunet.data.synthetic.texture import smooth_noise


def scatter(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """Scatter the debris of one film over the slide: platelets always, the rest on some films only."""
    height, width = slide.instances.shape
    cells = width * height / (np.pi * film.radius**2)  # area in red cells: about 64 in a 256x256 image
    for _ in range(rng.poisson(cells * rng.uniform(0.01, 0.07))):
        platelet(rng, slide, film)
    if rng.random() < 0.35:
        for _ in range(rng.poisson(cells * 0.05)):
            precipitate(rng, slide, film)
    if rng.random() < 0.2:
        direction = rng.uniform(0, np.pi)
        for _ in range(rng.poisson(cells * rng.uniform(0.1, 0.6))):
            fibre(rng, slide, film, direction)
    if rng.random() < 0.3:
        for _ in range(1 + rng.poisson(cells * 0.012)):
            ghost(rng, slide, film)
    for _ in range(rng.poisson(0.6)):
        dust(rng, slide, film)
    film_of_plasma = smooth_noise(rng, (height, width), 2.5 * film.radius) * rng.uniform(0.0, 0.008)
    slide.stains[Stain.CYTOPLASM] += film_of_plasma + rng.uniform(0.0, 0.02)


def random_place(rng: np.random.Generator, slide: Slide) -> tuple[float, float]:
    """A random (x, y) on the slide, in pixels."""
    height, width = slide.instances.shape
    return rng.uniform(0, width), rng.uniform(0, height)


def add_spot(slide: Slide, stain: Stain, x: float, y: float, size: float, amount: float) -> None:
    """Add a Gaussian spot of height `amount` and standard deviation `size` pixels at (x, y)."""
    height, width = slide.instances.shape
    reach = 3 * size + 1
    left, right = max(0, int(x - reach)), min(width, int(x + reach) + 2)
    top, bottom = max(0, int(y - reach)), min(height, int(y + reach) + 2)
    if left >= right or top >= bottom:
        return
    across = np.exp(-(((np.arange(left, right) + 0.5 - x) / size) ** 2) / 2)
    down = np.exp(-(((np.arange(top, bottom) + 0.5 - y) / size) ** 2) / 2)
    slide.add(stain, (slice(top, bottom), slice(left, right)), (amount * down[:, None] * across).astype(np.float32))


def platelet(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A platelet: a small lilac body with a blurred edge and purple granules in its middle."""
    x, y = random_place(rng, slide)
    radius = film.radius * rng.uniform(0.2, 0.42)
    curve = outlines.ellipse(rng, rng.uniform(1.0, 1.7), 0.08)
    shape = Outline(x, y, rng.uniform(0, np.pi), outlines.scaled(curve, radius))
    region = shape.region(slide.instances.shape, 3)
    if region is None:
        return
    field = shape.distance_field(region)
    slide.mark(region, field.inside & (slide.instances[region] == 0), DrawnClass.PLATELET)
    haze = field.coverage(max(1.5, 0.35 * radius))
    granules = np.clip(0.5 + 0.5 * smooth_noise(rng, haze.shape, max(1.3, 0.16 * radius)), 0, 1.6)
    strength = rng.uniform(0.5, 1.1)
    slide.add(Stain.GRANULES, region, 0.14 * strength * haze)
    slide.add(Stain.CHROMATIN, region, 0.33 * strength * haze * granules * np.exp(-1.5 * field.u**2))


def precipitate(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """Precipitated stain: a group of dark dots."""
    x, y = random_place(rng, slide)
    spread = film.radius * rng.uniform(0.1, 1.2)
    for _ in range(rng.integers(1, 9)):
        size = max(0.6, film.radius * rng.uniform(0.02, 0.07))
        dot_x, dot_y = x + rng.normal(0, spread), y + rng.normal(0, spread)
        add_spot(slide, Stain.CHROMATIN, dot_x, dot_y, size, rng.uniform(0.3, 1.1))


def fibre(rng: np.random.Generator, slide: Slide, film: Film, direction: float) -> None:
    """A short pink thread of fibrin or mucus; those of one film have roughly the same direction."""
    x, y = random_place(rng, slide)
    angle = direction + rng.normal(0, 0.35)
    size = max(0.6, film.radius * rng.uniform(0.025, 0.05))
    amount, bend = rng.uniform(0.04, 0.22), rng.normal(0, 0.12)
    for _ in range(int(rng.uniform(0.3, 1.3) * film.radius / size)):
        add_spot(slide, Stain.GRANULES, x, y, size, amount * rng.uniform(0.3, 1.0))
        x, y, angle = x + 1.3 * size * np.cos(angle), y + 1.3 * size * np.sin(angle), angle + bend * rng.normal(0.3, 1)


def ghost(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """The remains of a burst cell: a faint area with a faint outline, larger than a red cell."""
    x, y = random_place(rng, slide)
    radius = film.radius * rng.uniform(0.9, 1.8)
    curve = outlines.ellipse(rng, rng.uniform(1.0, 1.4), 0.10)
    shape = Outline(x, y, rng.uniform(0, np.pi), outlines.scaled(curve, radius))
    region = shape.region(slide.instances.shape, 0.5 * radius)
    if region is None:
        return
    field = shape.distance_field(region)
    texture = np.clip(0.6 + 0.5 * smooth_noise(rng, field.u.shape, 0.3 * radius), 0, 2)
    line = np.exp(-((field.distance / (0.1 * radius)) ** 2))
    amount = rng.uniform(0.02, 0.06)
    slide.add(Stain.CYTOPLASM, region, amount * (field.coverage(0.4 * radius) * texture + 0.6 * line))


def dust(rng: np.random.Generator, slide: Slide, film: Film) -> None:
    """A speck of dust far from the plane of focus: a wide grey shadow."""
    x, y = random_place(rng, slide)
    add_spot(slide, Stain.NEUTRAL, x, y, film.radius * rng.uniform(0.15, 0.9), rng.uniform(0.015, 0.10))
