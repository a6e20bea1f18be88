"""The outline of a cell: its radius in pixels as a function of the angle around its centre, at 512 angles.

Every cell drawn here is star-shaped about its centre, so that inside and outside are exact and the distance to the edge
has a formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SAMPLES = 512
ANGLES = np.arange(SAMPLES) * (2 * np.pi / SAMPLES)
WAVES = np.arange(2, 7)  # numbers of waves around a cell; a single wave would only move its centre
WAVE_TABLE = np.concatenate([np.cos(WAVES[:, None] * ANGLES), np.sin(WAVES[:, None] * ANGLES)])  # (10, 512)

Region = tuple[slice, slice]  # rows and columns of an image


@dataclass(frozen=True)
class DistanceField:
    """Position and distance to the outline for every pixel centre of a region; arrays (h, w) float32 of its shape.

    Attributes
    ----------
    x, y : ndarray
        Position in the cell's own axes, in units of its mean radius.
    u : ndarray
        Distance from the centre divided by the radius of the outline in that direction: 0 at the centre, 1 on the edge.
    distance : ndarray
        Signed distance to the edge in pixels, positive inside. A first-order approximation, exact for a disc.
    """

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    distance: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """The pixels whose centre is inside the outline, which are those of the masks."""
        return self.u < 1

    def coverage(self, softness: float) -> np.ndarray:
        """The share of each pixel that the cell covers, 0 to 1: one half on the edge, with a ramp `softness` pixels wide."""
        ramp = np.clip(self.distance / np.float32(max(softness, 1.0)) + np.float32(0.5), 0, 1)
        return ramp * ramp * (3 - 2 * ramp)


@dataclass(frozen=True)
class Outline:
    """A closed curve around (x, y), rotated by `angle`; `radii` (512,) are its radii in pixels at `ANGLES` before rotation."""

    x: float
    y: float
    angle: float
    radii: np.ndarray

    @cached_property
    def area(self) -> float:
        """Area in square pixels: the mean of pi r^2 over all directions."""
        return float(np.pi * np.mean(self.radii**2))

    @property
    def radius(self) -> float:
        """Radius of the disc of the same area, in pixels."""
        return float(np.sqrt(self.area / np.pi))

    def region(self, shape: tuple[int, int], margin: float) -> Region | None:
        """The part of an image of `shape` (H, W) within `margin` pixels of the outline, or None where there is none."""
        reach = float(self.radii.max()) + margin
        rows = slice(max(0, int(self.y - reach)), min(shape[0], int(self.y + reach) + 2))
        columns = slice(max(0, int(self.x - reach)), min(shape[1], int(self.x + reach) + 2))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return rows, columns

    def distance_field(self, region: Region) -> DistanceField:
        """Positions and distances at the pixel centres of a region of the image."""
        rows, columns = region
        down = (np.arange(rows.start, rows.stop) + (0.5 - self.y)).astype(np.float32)[:, None]
        right = (np.arange(columns.start, columns.stop) + (0.5 - self.x)).astype(np.float32)[None, :]
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        x, y = cos * right + sin * down, cos * down - sin * right  # (h, w) each
        rho = np.hypot(x, y)
        position = np.arctan2(y, x) * np.float32(SAMPLES / (2 * np.pi)) + SAMPLES
        left = position.astype(np.int32)
        blend = position - left
        left %= SAMPLES
        radii, steepness = self._tables
        edge = radii[left] + blend * (radii[left + 1] - radii[left])
        unit = np.float32(1 / self.radius)
        return DistanceField(x * unit, y * unit, rho / edge, (edge - rho) * steepness[left])

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Radii with the first repeated at the end, and the cosine between the normal and the ray, r / sqrt(r^2 + r'^2)."""
        around = np.concatenate([self.radii[-1:], self.radii, self.radii[:1]]).astype(np.float32)  # (514,)
        slope = (around[2:] - around[:-2]) * np.float32(SAMPLES / (4 * np.pi))
        return around[1:], around[1:-1] / np.hypot(around[1:-1], slope)


def scaled(shape: np.ndarray, radius: float) -> np.ndarray:
    """`shape` (512,) with the area of a disc of `radius` pixels."""
    return shape * (radius / np.sqrt(np.mean(shape**2)))


def disc(rng: np.random.Generator, wobble: float) -> np.ndarray:
    """A disc whose radius varies by the share `wobble`, in two to six waves around it."""
    amplitudes = rng.normal(0, 0.7 * wobble, (2, WAVES.size)) / (WAVES - 1)
    return 1 + _weighted(amplitudes.ravel(), WAVE_TABLE)


def _weighted(weights: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """Weighted sum (512,) of curves (n, 512), without a matrix product, whose last bits may depend on BLAS and its threads."""
    return (weights[:, None] * curves).sum(axis=0)


def ellipse(rng: np.random.Generator, elongation: float, wobble: float, pointed: float = 0.0) -> np.ndarray:
    """An ellipse `elongation` times as long as wide; `pointed` > 0 extends its two ends into tips."""
    long, short = np.sqrt(elongation), 1 / np.sqrt(elongation)
    radii = long * short / np.hypot(short * np.cos(ANGLES), long * np.sin(ANGLES))
    return radii * disc(rng, wobble) * (1 + pointed * np.abs(np.cos(ANGLES)) ** 24)


def teardrop(rng: np.random.Generator, tail: float, wobble: float) -> np.ndarray:
    """A disc with a tapering tail, `tail` radii long."""
    forward = np.clip(np.cos(ANGLES), 0, None)
    return disc(rng, wobble) * (1 + tail * (0.35 * forward**4 + 0.65 * forward ** rng.uniform(18, 40)))


def crenated(rng: np.random.Generator, spicules: int, height: float) -> np.ndarray:
    """A disc with `spicules` blunt points along its edge, about `height` radii high and unevenly spaced."""
    centres = (np.arange(spicules) + rng.uniform(-0.25, 0.25, spicules)) * (2 * np.pi / spicules)
    gap = np.angle(np.exp(1j * (ANGLES - centres[:, None])))  # (spicules, 512), in -pi..pi
    width = 0.26 * 2 * np.pi / spicules
    return disc(rng, 0.02) + _weighted(height * rng.uniform(0.5, 1.2, spicules), np.exp(-((gap / width) ** 2)))


def flattened(radii: np.ndarray, direction: float, distance: float) -> np.ndarray:
    """`radii` (512,) cut off by a straight line at `distance` from the centre in `direction`, with rounded corners."""
    along = np.cos(ANGLES - direction)
    limit = np.where(along > 0.05, distance / np.maximum(along, 0.05), np.inf)
    return (radii**-12.0 + limit**-12.0) ** (-1 / 12)
