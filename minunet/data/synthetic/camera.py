"""The camera: what electronics and software make of the light before it is a file, from white balance to JPEG.

Only the wide variety has one; in the mild variety the light is stored as it is.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minunet.data.synthetic.microscope import as_bytes, blur

LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]  # ITU-R BT.601


@dataclass(frozen=True)
class Camera:
    """The settings of a camera for one photograph.

    Attributes
    ----------
    saturation : float
        0 for grey, 1 for the colours as they are.
    gamma : float
        Exponent of the curve: below 1 dark tones become brighter.
    contrast : float
        Deviations from the middle grey grow by this factor.
    sharpening : (float, float)
        Strength of the unsharp mask, and its standard deviation in pixels; it draws bright lines beside dark edges.
    reduction : float
        The photograph is made this many times smaller and enlarged again, which blurs it as a low magnification does.
    quality : int or None
        Of JPEG, 1 to 95; None for a file without loss.
    negative : bool
        Black and white are exchanged.
    field_stop : float or None
        Radius of the round field of view in half diagonals; it is black outside. None for a full image.
    scale_bar : bool
        A dark or bright bar with ticks in a corner.
    """

    saturation: float = 1.0
    gamma: float = 1.0
    contrast: float = 1.0
    sharpening: tuple[float, float] = (0.0, 1.0)
    reduction: float = 1.0
    quality: int | None = None
    negative: bool = False
    field_stop: float | None = None
    scale_bar: bool = False

    def develop(self, rng: np.random.Generator, light: np.ndarray) -> np.ndarray:
        """Turn light (3, H, W) float32, where 1 is white, into an image (H, W, 3) uint8; `rng` places the scale bar."""
        _, height, width = light.shape
        image = np.clip(light, 0, 1)
        grey = (image * LUMA).sum(axis=0)
        image = grey + np.float32(self.saturation) * (image - grey)
        image = np.clip(image, 0, 1) ** np.float32(self.gamma)
        image = np.float32(0.5) + (image - np.float32(0.5)) * np.float32(self.contrast)
        if self.sharpening[0]:
            for plane in image:
                smooth = plane.copy()
                blur(smooth, self.sharpening[1])
                plane += np.float32(self.sharpening[0]) * (plane - smooth)
        if self.field_stop is not None:
            image *= self._stop(height, width)
        if self.scale_bar:
            _draw_scale_bar(rng, image)
        pixels = as_bytes(image)
        if self.negative:
            pixels = 255 - pixels
        return self._stored(pixels)

    def _stop(self, height: int, width: int) -> np.ndarray:
        """1 within the round field of view, 0 outside, with a soft edge."""
        down, right = np.ogrid[:height, :width]
        half = np.hypot(height, width) / 2
        far = np.hypot(down - height / 2, right - width / 2) / half
        return np.clip(((self.field_stop or 1) - far) * half / 2 + 0.5, 0, 1).astype(np.float32)

    def _stored(self, pixels: np.ndarray) -> np.ndarray:
        """The image after it was made smaller and stored as a file."""
        picture = Image.fromarray(pixels)
        if self.reduction > 1:
            smaller = tuple(max(4, round(side / self.reduction)) for side in picture.size)
            small = picture.resize(smaller, Image.Resampling.BOX)  # type: ignore[arg-type]
            picture = self._compressed(small).resize(picture.size, Image.Resampling.BILINEAR)
        else:
            picture = self._compressed(picture)
        return np.array(picture)

    def _compressed(self, picture: Image.Image) -> Image.Image:
        if self.quality is None:
            return picture
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=self.quality)
        return Image.open(file).convert("RGB")


def sample_camera(rng: np.random.Generator, radius: float) -> Camera:
    """Draw a camera of the wide variety; `radius`, that of a red cell in pixels, limits how coarse the image may become."""
    largest = min(2.2, max(1.0, radius / 6))
    return Camera(
        saturation=rng.choice([0.0, rng.uniform(0.3, 1.0), rng.uniform(1.0, 1.7)], p=[0.08, 0.42, 0.5]),
        gamma=float(np.exp(rng.uniform(-0.5, 0.5))),
        contrast=rng.choice([1.0, rng.uniform(0.7, 1.5)]),
        sharpening=(rng.choice([0.0, rng.uniform(0.2, 1.5)], p=[0.6, 0.4]), max(0.6, radius * rng.uniform(0.03, 0.15))),
        reduction=float(rng.choice([1.0, rng.uniform(1.0, largest)], p=[0.65, 0.35])),
        quality=None if rng.random() < 0.6 else int(rng.integers(35, 96)),
        negative=bool(rng.random() < 0.08),
        field_stop=rng.uniform(0.75, 1.0) if rng.random() < 0.05 else None,
        scale_bar=bool(rng.random() < 0.08),
    )


def _draw_scale_bar(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a bar with a tick at each end, and a few dashes above it in the place of a number, into (3, H, W)."""
    _, height, width = image.shape
    length, thick = max(3, int(width * rng.uniform(0.1, 0.3))), max(1, int(height * rng.uniform(0.004, 0.012)))
    tone = np.float32(rng.choice([0.0, 0.05, 1.0]))
    top = int(height * rng.choice([rng.uniform(0.03, 0.08), rng.uniform(0.92, 0.97)]))
    left = int((width - length) * rng.choice([0.05, 0.95]))
    image[:, top : top + thick, left : left + length] = tone
    for end in (left, left + length - thick):
        image[:, max(0, top - 3 * thick) : top + 4 * thick, max(0, end) : end + thick] = tone
    for number in range(rng.integers(0, 6)):
        start = left + length // 4 + 4 * thick * number
        image[:, max(0, top - 8 * thick) : max(0, top - 3 * thick), start : start + thick * rng.integers(1, 4)] = tone
