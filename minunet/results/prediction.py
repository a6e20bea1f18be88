"""A prediction: what a model says of one image, and the four pictures that show it.

They lie beside each other as NAME_mask.png, NAME_probability.png, NAME_product.png and NAME_overlay.png, at the image's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.results.overlay import overlay
from minunet.results.picture import png_bytes

KINDS = {
    "mask": "255 where the probability exceeds the threshold, else 0",
    "probability": "16-bit grey; the probability is value / 65535",
    "product": "image x probability, as in the paper's Figure 9",
    "overlay": "the mask's outline on the image, orange where in doubt",
}


@dataclass(frozen=True)
class Prediction:
    """One image with its probabilities.

    Attributes
    ----------
    image : ndarray
        uint8 or uint16, (H, W) or (H, W, 3).
    probability : ndarray
        (H, W) float32 in [0, 1].
    threshold : float
        A pixel is a cell where its probability is above.
    """

    image: np.ndarray
    probability: np.ndarray
    threshold: float = 0.5

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool, True for cells."""
        return self.probability > self.threshold

    @property
    def foreground(self) -> float:
        """Share of the pixels that are cells."""
        return float(self.mask.mean())

    def product(self) -> np.ndarray:
        """The image times the probability, element by element, rounded to the image's own dtype."""
        weight = self.probability if self.image.ndim == 2 else self.probability[..., None]  # (H, W) -> (H, W, 1)
        return np.rint(self.image * weight).astype(self.image.dtype)

    def picture(self, kind: str) -> Image.Image:
        """The picture of one of `KINDS`, of the image's size."""
        if kind == "mask":
            return Image.fromarray(self.mask.astype(np.uint8) * 255)
        if kind == "probability":
            return Image.fromarray(np.rint(self.probability * 65535).astype(np.uint16))
        if kind == "product":
            product = self.product()
            if product.dtype == np.uint16 and product.ndim == 3:
                product = (product >> 8).astype(np.uint8)  # Pillow writes no 16-bit colour
            return Image.fromarray(product)
        return overlay(self.image, self.mask, self.probability)

    def png(self, kind: str) -> bytes:
        """That picture as a PNG file."""
        # Level 6 takes four times as long as level 1 for a photograph, and saves a sixth; for a mask it saves half.
        return png_bytes(self.picture(kind), compress_level=6 if kind == "mask" else 1)


def result_files(stem: Path) -> list[Path]:
    """Where the pictures of the image called `stem` lie, in the order of `KINDS`."""
    return [stem.with_name(f"{stem.name}_{kind}.png") for kind in KINDS]


def is_result(path: Path) -> bool:
    """Whether a file is one of ours: named like a result, and the other three are there."""
    for kind in KINDS:
        if path.name.endswith(f"_{kind}.png"):
            stem = path.with_name(path.name.removesuffix(f"_{kind}.png"))
            return all(file.is_file() for file in result_files(stem))
    return False
