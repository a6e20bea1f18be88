"""The microscope and its camera: lamp, focus and sensor, which turn the stain on a slide into a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DARKEST = 0.05  # share of the light in the darkest corner, where vignette and tilt add up


@dataclass(frozen=True)
class Microscope:
    """The settings of the instrument for one photograph.

    Attributes
    ----------
    lamp : ndarray (3,)
        Light through an empty slide in R, G, B, where 1 is the white of the camera; above 1 the background is overexposed.
    tilt : (float, float)
        Relative change of the light from one side of the image to the other, across and down.
    vignette : float
        Relative loss of light in the corners.
    centre : (float, float)
        Where the light is brightest, from -1 to 1 across and down.
    focus : ndarray (3,)
        Standard deviation of the blur in pixels in R, G, B, which differs since lenses focus colours differently.
    shot_noise, read_noise : float
        Standard deviation of the noise of the sensor at white, which is proportional to the square root of the light, and
        of its constant part.
    """

    lamp: np.ndarray
    tilt: tuple[float, float]
    vignette: float
    centre: tuple[float, float]
    focus: np.ndarray
    shot_noise: float
    read_noise: float

    def photograph(self, rng: np.random.Generator, stains: np.ndarray, absorbance: np.ndarray) -> np.ndarray:
        """Photograph a slide.

        Parameters
        ----------
        rng : numpy.random.Generator
            For the noise.
        stains : ndarray, float32, (S, H, W)
            Concentration of each stain.
        absorbance : ndarray, float32, (S, 3)
            Optical density of a unit concentration of each stain in R, G, B.

        Returns
        -------
        ndarray, uint8, (H, W, 3)
        """
        return as_bytes(self.light(rng, stains, absorbance))

    def light(self, rng: np.random.Generator, stains: np.ndarray, absorbance: np.ndarray) -> np.ndarray:
        """The light on the sensor as it counts it, (3, H, W) float32, where 1 is white; see `photograph`."""
        _, height, width = stains.shape
        # Channels first, so that each is blurred as one contiguous plane. The sum is computed stain by stain and not as a
        # matrix product, whose last bits may depend on BLAS and its threads: the same seed gives the same image.
        density = np.zeros((3, height, width), np.float32)
        for concentration, colour in zip(stains, absorbance, strict=True):
            density += colour[:, None, None] * concentration
        light = np.exp(density * np.float32(-np.log(10)))
        light *= self._illumination(height, width)
        light *= self.lamp.astype(np.float32)[:, None, None]
        for plane, sigma in zip(light, self.focus.tolist(), strict=True):
            blur(plane, sigma)
        noise = rng.standard_normal((3, height, width), dtype=np.float32)
        # Half of the noise is common to the colours, since a camera computes each colour from neighbouring pixels too.
        noise += rng.standard_normal((height, width), dtype=np.float32)
        light += noise * (np.sqrt(light) * np.float32(self.shot_noise) + np.float32(self.read_noise))
        return light

    def _illumination(self, height: int, width: int) -> np.ndarray:
        """Light on each pixel, (H, W), 1 where the lamp is centred."""
        across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        away = (across - self.centre[0]) ** 2 + (down - self.centre[1]) ** 2
        light = (1 - self.vignette / 2 * away) * (1 + self.tilt[0] / 2 * across + self.tilt[1] / 2 * down)
        return np.maximum(light, np.float32(DARKEST))


def sample_microscope(rng: np.random.Generator, radius: float) -> Microscope:
    """Draw settings; `radius`, that of a red cell in pixels, is the scale of the blur."""
    brightness = rng.choice(
        [rng.uniform(0.97, 1.06), rng.uniform(0.80, 0.97), rng.uniform(0.55, 0.80)], p=[0.3, 0.5, 0.2]
    )
    tint = (
        1 + rng.normal(0, 0.012, 3) + rng.normal(0, 0.025) * np.array([1.0, 0.0, -1.0])
    )  # the second term: from warm to cold
    sigma = max(0.45, radius * rng.choice([rng.uniform(0.012, 0.03), rng.uniform(0.03, 0.075)], p=[0.7, 0.3]))
    return Microscope(
        lamp=brightness * tint,
        tilt=tuple(rng.normal(0, 0.10, 2).clip(-0.25, 0.25).tolist()),
        vignette=rng.uniform(0.0, 0.30),
        centre=tuple(rng.normal(0, 0.25, 2).tolist()),
        focus=sigma * np.array([1.1, 1.0, 1.2]),
        shot_noise=rng.uniform(0.004, 0.018),
        read_noise=rng.uniform(0.001, 0.006),
    )


def sample_wide_microscope(rng: np.random.Generator, radius: float) -> Microscope:
    """Draw settings of the wide variety: dim and overexposed, tinted, uneven, out of focus and noisy ones too."""
    dark, usual, bright = rng.uniform(0.4, 0.75), rng.uniform(0.75, 0.98), rng.uniform(0.98, 1.35)
    brightness = rng.choice([dark, usual, bright], p=[0.25, 0.45, 0.30])
    tint = np.exp(rng.choice([0.03, 0.15], p=[0.5, 0.5]) * rng.standard_normal(3)).clip(0.6, 1.5)
    uneven = rng.choice([0.06, 0.25], p=[0.7, 0.3])
    sharp, soft = rng.uniform(0.01, 0.04), rng.uniform(0.04, 0.14)
    sigma = max(0.35, radius * rng.choice([sharp, soft], p=[0.6, 0.4]))
    return Microscope(
        lamp=brightness * tint,
        tilt=tuple(rng.normal(0, uneven, 2).clip(-0.6, 0.6).tolist()),
        vignette=rng.choice([rng.uniform(0.0, 0.25), rng.uniform(0.25, 0.8)], p=[0.75, 0.25]),
        centre=tuple(rng.normal(0, 0.3, 2).tolist()),
        focus=sigma * rng.uniform(0.9, 1.3, 3),
        shot_noise=rng.choice([rng.uniform(0.0, 0.01), rng.uniform(0.01, 0.03)], p=[0.75, 0.25]),
        read_noise=rng.uniform(0.0, 0.008),
    )


def as_bytes(light: np.ndarray) -> np.ndarray:
    """Light (3, H, W) as an image (H, W, 3) uint8; what is beyond black and white is cut off."""
    return np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0).copy()


def blur(plane: np.ndarray, sigma: float) -> None:
    """Blur a float32 (H, W) array in place with a Gaussian of `sigma` pixels, cut off at 3 sigma; borders are repeated."""
    reach = max(1, int(3 * sigma + 0.5))
    weights = np.exp(-((np.arange(reach + 1) / sigma) ** 2) / 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    weights = weights.astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        padded = np.pad(plane, pad, mode="edge")
        np.multiply(_shifted(padded, plane.shape, axis, reach), weights[0], out=plane)
        for step in range(1, reach + 1):
            before, after = (_shifted(padded, plane.shape, axis, start) for start in (reach - step, reach + step))
            plane += weights[step] * (before + after)


def _shifted(padded: np.ndarray, shape: tuple[int, ...], axis: int, start: int) -> np.ndarray:
    """The view of `shape` that begins at `start` along one axis of a padded (H, W) array."""
    return padded[start : start + shape[0]] if axis == 0 else padded[:, start : start + shape[1]]
