"""A red cell: a biconcave disc of haemoglobin, or one of the other shapes that haematology has names for.

Its thickness is painted, to which its absorbance is proportional; along the edge also the dark and bright lines of refraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.synthetic import outline as outlines
from minunet.data.synthetic.film import RED_SHAPES, Film
from minunet.data.synthetic.outline import DistanceField, Outline, Region
from minunet.data.synthetic.slide import Slide
from minunet.data.synthetic.stain import Stain
from minunet.data.synthetic.texture import smooth_noise

# Thickness of a living red cell across its radius, D(u) = sqrt(1 - u^2) (c0 + c2 u^2 + c4 u^4) micrometres.
# Evans and Fung 1972, "Improved measurements of the erythrocyte geometry", Microvascular Research 4:335-347.
C0, C2, C4 = 0.81, 7.83, -4.39
CREST = np.sqrt(C2 / (-2 * C4))  # where the polynomial is largest, 0.94 of the radius
CREST_THICKNESS = C0 + C2 * CREST**2 + C4 * CREST**4


@dataclass(frozen=True)
class RedCell:
    """A red cell of a given shape; see `sample_red_cell`. Lengths are in units of the cell's radius."""

    outline: Outline
    shape: str
    film: Film
    concentration: float
    pallor: float
    hollow: float
    offset: tuple[float, float]  # of the hollow from the centre
    asymmetry: float  # how much sharper the edge of the hollow is on one side, as in a cell that dried unevenly
    softness: float  # width of the edge in pixels: large out of focus
    inclusion: str | None
    highlight: bool = False

    kind = "red"

    @property
    def margin(self) -> float:
        """The distance beyond the outline, in pixels, up to which the cell is painted."""
        return self.softness + 0.15 * self.outline.radius + 2

    def paint(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        """Add the haemoglobin, the lines of refraction and the inclusion of the cell to the slide."""
        # Within a soft edge the profile keeps its value near the edge; only the coverage fades it out.
        u = np.minimum(field.u, np.float32(0.95))
        body = (1 - u * u) ** np.float32(self.film.roundness)
        grain = 1 + self.film.texture * smooth_noise(rng, u.shape, 0.22 * self.outline.radius)
        thickness = body * (1 - self._hollow(field, u)) * grain
        if self.shape == "echinocyte":
            thickness *= 0.72 + self._spicules(field, rng)
        coverage = field.coverage(self.softness)
        slide.add(Stain.HAEMOGLOBIN, region, self.concentration * thickness * coverage)
        width = np.float32(0.07 * self.outline.radius + 0.4 * self.softness)
        dark = self.film.rim / self.softness * np.exp(-((field.distance / width - 1) ** 2))
        bright = self.film.halo / self.softness * np.exp(-((field.distance / width + 1.2) ** 2))
        slide.add(Stain.NEUTRAL, region, dark - bright)
        if self.inclusion == "trophozoite":
            self._paint_trophozoite(slide, region, field, rng)
        elif self.inclusion:
            self._paint_inclusion(slide, region, field, rng)
        if self.highlight:
            self._paint_highlight(slide, region, field, rng)

    def _hollow(self, field: DistanceField, u: np.ndarray) -> np.ndarray:
        """The share of the thickness that is missing at each pixel, 0 to 1."""
        x, y = field.x, field.y
        if self.shape in ("spherocyte", "echinocyte"):
            return np.zeros_like(u)
        if self.shape == "stomatocyte":  # the pallor is a slit like a mouth, slightly bent
            return self.pallor * np.exp(-((x / 0.5) ** 4) - ((y - 0.25 * x * x) / (0.35 * self.hollow)) ** 2)
        fade = 1 - u * u  # the hollow's offset fades out towards the edge
        shifted = np.hypot(x - self.offset[0] * fade, y - self.offset[1] * fade)
        # Along an axis an ellipse is longer than its mean radius: with u the hollow has the shape of the cell.
        reach = (0.5 * u + 0.5 * np.minimum(shifted, 0.95)) / np.float32(self.hollow)
        reach = np.minimum(reach * CREST, CREST) ** 2
        hollow = (
            1 - (C0 + C2 * reach + C4 * reach * reach) / CREST_THICKNESS
        )  # 0.81 of the thickness in the centre, 0 at the crest
        hollow /= 1 - C0 / CREST_THICKNESS
        flat = hollow * hollow * (3 - 2 * hollow)
        hollow = flat * flat * (3 - 2 * flat) * self.film.plateau + hollow * (1 - self.film.plateau)
        if self.asymmetry:
            side = np.clip(0.5 + 0.9 * x, 0, 1) * self.asymmetry
            sharp = np.clip((hollow - 0.25) * 4, 0, 1)
            hollow = hollow + side * (sharp - hollow)
        if self.shape == "codocyte":  # a target cell: haemoglobin again in the middle
            hollow = hollow * (1 - 0.85 * np.exp(-((u / 0.26) ** 2)))
        if self.shape == "knizocyte":  # a ridge between two hollows
            hollow = hollow * (1 - 0.9 * np.exp(-((y / 0.17) ** 2)))
        return self.pallor * hollow

    def _spicules(self, field: DistanceField, rng: np.random.Generator) -> np.ndarray:
        """The points of a crenated cell that face the observer, which are dark dots on it."""
        dots = np.zeros_like(field.u)
        count = rng.integers(9, 16)
        for radius, angle in zip(0.85 * np.sqrt(rng.random(count)), rng.uniform(0, 2 * np.pi, count), strict=True):
            gap = (field.x - radius * np.cos(angle)) ** 2 + (field.y - radius * np.sin(angle)) ** 2
            dots += rng.uniform(0.2, 0.7) * np.exp(-gap / 0.016)
        return dots

    def _paint_inclusion(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        radius, angle = 0.5 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        x, y = field.x - radius * np.cos(angle), field.y - radius * np.sin(angle)
        if self.inclusion == "ring":  # a young malaria parasite: a thin ring of cytoplasm with a chromatin dot on it
            size = rng.uniform(0.16, 0.26)
            slide.add(Stain.CYTOPLASM, region, 0.25 * np.exp(-(((np.hypot(x, y) - size) / 0.06) ** 2)))
            turn = rng.uniform(0, 2 * np.pi)
            x, y = x - size * np.cos(turn), y - size * np.sin(turn)
        slide.add(Stain.CHROMATIN, region, rng.uniform(0.3, 0.6) * np.exp(-(x * x + y * y) / rng.uniform(0.005, 0.012)))

    def _paint_trophozoite(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        """A grown malaria parasite: an irregular blue body with chromatin and dark grains of pigment."""
        size, angle = rng.uniform(0.25, 0.75), rng.uniform(0, 2 * np.pi)
        away = 0.5 * (1 - size) * rng.random()
        wave = 0.15 * smooth_noise(rng, field.u.shape, 0.3 * self.outline.radius)
        gap = np.hypot(field.x - away * np.cos(angle) + wave, field.y - away * np.sin(angle) - wave)
        body = np.clip((size - gap) / 0.12 + 0.5, 0, 1) * field.coverage(self.softness)
        grains = np.clip(smooth_noise(rng, field.u.shape, max(1.2, 0.1 * self.outline.radius)), 0, 2)
        slide.add(Stain.CYTOPLASM, region, rng.uniform(0.1, 0.4) * body)
        slide.add(Stain.CHROMATIN, region, rng.uniform(0.1, 0.7) * body * grains)

    def _paint_highlight(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        """A bright spot or ring with a dark edge, where a dried cell refracts the light."""
        radius, angle = 0.6 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        x, y = field.x - radius * np.cos(angle), (field.y - radius * np.sin(angle)) * rng.uniform(0.6, 1.6)
        size, gap = rng.uniform(0.08, 0.3), np.hypot(x, y)
        amount = max(0.1, self.film.strength * rng.uniform(0.5, 1.5))
        bright = np.exp(-((gap / size) ** 2)) if rng.random() < 0.6 else np.exp(-(((gap - size) / 0.08) ** 2))
        dark = rng.uniform(0, 0.6) * np.exp(-(((gap - 1.6 * size) / (0.5 * size)) ** 2))
        slide.add(Stain.NEUTRAL, region, amount * (dark - bright) * field.coverage(self.softness))


def sample_red_cell(
    rng: np.random.Generator,
    film: Film,
    x: float,
    y: float,
    radius: float | None = None,
    walls: Sequence[tuple[float, float]] = (),
) -> RedCell:
    """Draw a red cell of a film.

    Parameters
    ----------
    rng : numpy.random.Generator
    film : Film
    x, y : float
        Its centre in pixels.
    radius : float, optional
        In pixels; drawn by the film unless given.
    walls : sequence of (angle, distance)
        Straight lines that the cell does not cross, as where its neighbours flatten it: the direction to each in radians, and its
        distance from the centre in pixels.
    """
    shape = RED_SHAPES[rng.choice(len(RED_SHAPES), p=film.shape_odds)]
    if radius is None:
        radius = film.radius * float(np.clip(rng.normal(1, film.size_spread), 0.7, 1.35))
    concentration = float(np.clip(rng.normal(1, film.strength_spread), 0.55, 1.5))
    if shape == "elliptocyte":
        curve = outlines.ellipse(
            rng, rng.uniform(1.25, film.elongation), film.wobble, rng.choice([0.0, rng.uniform(0.05, 0.25)])
        )
    elif shape == "teardrop":
        curve = outlines.teardrop(rng, rng.uniform(0.35, 0.9), film.wobble)
        radius *= 0.9
    elif shape == "echinocyte":
        curve = outlines.crenated(rng, int(rng.integers(11, 19)), rng.uniform(0.08, 0.2))
        radius *= 0.9
    elif shape == "spherocyte":
        curve = outlines.ellipse(rng, rng.uniform(1.0, 1.12), film.wobble)
        radius *= rng.uniform(0.85, 1.0)
        concentration *= 1.1
    else:
        curve = outlines.ellipse(rng, rng.uniform(1.0, 1.22), film.wobble)
    softness = 1.0
    if rng.random() < film.blurred:
        softness = max(1.0, radius * rng.uniform(0.2, 0.55))
    inclusion = None
    if rng.random() < film.inclusions:
        inclusion = str(rng.choice(["ring", "howell-jolly"], p=[0.8, 0.2]))
        if film.parasites and rng.random() < film.parasites:
            inclusion = "trophozoite"
    turn, radii = rng.uniform(0, 2 * np.pi), outlines.scaled(curve, radius)
    for direction, distance in walls:
        radii = outlines.flattened(radii, direction - turn, distance)
    return RedCell(
        outline=Outline(x, y, turn, radii),
        shape=shape,
        film=film,
        concentration=concentration,
        pallor=float(np.clip(film.pallor * rng.normal(1, 0.15), 0.0, 1.0)),
        hollow=float(np.clip(film.hollow * rng.normal(1, 0.12), 0.5, 1.15)),
        offset=tuple(rng.normal(0, 0.13, 2).tolist()),
        asymmetry=rng.uniform(0.4, 1.0) if rng.random() < 0.2 else 0.0,
        softness=softness,
        inclusion=inclusion,
        highlight=bool(film.highlights and rng.random() < film.highlights),
    )
