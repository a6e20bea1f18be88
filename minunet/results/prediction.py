"""Predictions: the probabilities of a model for one image, and the four pictures that show them.

The files are NAME_mask.png, NAME_probability.png, NAME_product.png and NAME_overlay.png in one folder, of the image's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.results.overlay import overlay
from minunet.results.picture import png_bytes

PICTURES = {
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
        Pixels of a higher probability are cell.
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
        """The share of pixels that are cell."""
        return float(self.mask.mean())

    def product(self) -> np.ndarray:
        """The product of image and probability, element by element, rounded to the dtype of the image."""
        weight = self.probability if self.image.ndim == 2 else self.probability[..., None]  # (H, W) -> (H, W, 1)
        return np.rint(self.image * weight).astype(self.image.dtype)

    def picture(self, kind: str) -> Image.Image:
        """One of the `PICTURES`, of the image's size."""
        if kind == "mask":
            return Image.fromarray(self.mask.astype(np.uint8) * 255)
        if kind == "probability":
            return Image.fromarray(np.rint(self.probability * 65535).astype(np.uint16))
        if kind == "product":
            product = self.product()
            if product.dtype == np.uint16 and product.ndim == 3:
                product = (product >> 8).astype(np.uint8)  # Pillow cannot write 16-bit colour
            return Image.fromarray(product)
        return overlay(self.image, self.mask, self.probability)

    def png(self, kind: str) -> bytes:
        """One of the `PICTURES` as the content of a PNG file."""
        # For a photograph level 6 takes four times as long as level 1 and saves a sixth; for a mask it saves half.
        return png_bytes(self.picture(kind), compress_level=6 if kind == "mask" else 1)


def result_files(stem: Path) -> list[Path]:
    """The files of the pictures of an image, in the order of `PICTURES`; `stem` is the folder with the name of the image."""
    return [stem.with_name(f"{stem.name}_{kind}.png") for kind in PICTURES]


def is_result(path: Path) -> bool:
    """Whether a file is the result of a prediction: named like one, and the other three files exist."""
    for kind in PICTURES:
        if path.name.endswith(f"_{kind}.png"):
            stem = path.with_name(path.name.removesuffix(f"_{kind}.png"))
            return all(file.is_file() for file in result_files(stem))
    return False
