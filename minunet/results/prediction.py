"""Predictions: the probabilities of a model for one image, and the four pictures that show them.

The files are NAME_mask.png, NAME_probability.png, NAME_product.png and NAME_overlay.png in one folder, of the image's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minunet.inference.predicted_maps import PredictedMaps
from minunet.results.overlay import find_boundaries, full_size_line, paint

PICTURES = {
    "mask": "255 where the probability exceeds the threshold, else 0",
    "probability": "16-bit grey; the probability is value / 65535",
    "product": "image x probability, as in the paper's Figure 9",
    "overlay": "the mask's outline on the image, orange where in doubt",
}
Display = Callable[[np.ndarray], np.ndarray]

# 6 saves half of a mask, a sixth of a photograph.
COMPRESS_LEVELS = {"mask": 6, "classes": 6, "probability": 1, "product": 1, "overlay": 1}
CLASSES = "classes"  # a further picture, of a model with classes; its text of this name has their names
NAME_SEPARATOR = ", "
CELL_PICTURES = (
    f"_{CLASSES}.png",
    "_cells.png",
    "_labels.tif",
    "_labels.ome.tif",
    "_cells.ome.zarr",
)  # what else a prediction writes that is an image


@dataclass(frozen=True)
class Prediction:
    """An image with its probabilities, or some rows of a large one.

    Attributes
    ----------
    image : ndarray
        (H, W) or (H, W, C), of any type for which there is a `display`.
    probability : ndarray
        (H, W) float32 in [0, 1].
    threshold : float
        Pixels of a higher probability are cell.
    above, below : int
        So many rows at the top and at the bottom are no part of the pictures: they are there for the contours.
    display : callable or None
        Turns rows of the image into uint8, (h, W) or (h, W, 3), as for `Preprocessing.display`; None: they are shown as they are.
    foreground_class : ndarray, (H, W) uint8, or None
        The index of the most probable class but the background, of a model with classes.
    """

    image: np.ndarray
    probability: np.ndarray
    threshold: float = 0.5
    above: int = 0
    below: int = 0
    display: Display | None = None
    foreground_class: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool, True for cells."""
        return self.shown(self.probability) > self.threshold

    @property
    def foreground(self) -> float:
        """The share of pixels that are cell."""
        return float(self.mask.mean())

    def shown(self, array: np.ndarray) -> np.ndarray:
        """The rows of an array that are part of the pictures."""
        return array[self.above : len(array) - self.below]

    def product(self) -> np.ndarray:
        """The product of image and probability, rounded to the type of the image; of the displayed image where that is no PNG's."""
        image, weight = self.shown(self.image), self.shown(self.probability)
        if image.dtype not in (np.uint8, np.uint16) or image.shape[2:] not in ((), (3,)):
            image = self._displayed(image)
        product = image * (weight if image.ndim == 2 else weight[..., None])  # (H, W) -> (H, W, 1)
        return np.rint(product).astype(image.dtype)

    def pixels(self, kind: str) -> np.ndarray:
        """One of the `PICTURES`, or `CLASSES`, as an array that can be written as PNG."""
        if kind == CLASSES:
            assert self.foreground_class is not None
            return np.where(self.mask, self.shown(self.foreground_class), np.uint8(0))
        if kind == "mask":
            return self.mask.astype(np.uint8) * 255
        if kind == "probability":
            return np.rint(self.shown(self.probability) * 65535).astype(np.uint16)
        if kind == "product":
            product = self.product()
            # Pillow cannot write 16-bit colour.
            return (product >> 8).astype(np.uint8) if product.dtype == np.uint16 and product.ndim == 3 else product
        contour = self.shown(find_boundaries(self.probability > self.threshold, full_size_line(self.image.shape[1])))
        return paint(self._displayed(self.shown(self.image)), contour, self.shown(self.probability))

    def _displayed(self, image: np.ndarray) -> np.ndarray:
        return image if self.display is None else self.display(image)


def with_context(
    rows: Iterable[tuple[np.ndarray, PredictedMaps]], threshold: float, display: Display | None = None
) -> Iterator[Prediction]:
    """The predictions of consecutive rows of one image, each with the rows around it that its contours depend on.

    Parameters
    ----------
    rows : iterable of (image, maps)
        From top to bottom.
    threshold : float
    display : callable or None
        See `Prediction`.
    """
    image, maps, above = None, None, 0
    for image_rows, more in rows:
        image = image_rows if image is None else np.concatenate([image, image_rows])
        maps = more if maps is None else PredictedMaps.joined([maps, more])
        context = full_size_line(image.shape[1])
        complete = len(image) - context  # rows below which there are enough
        if complete > above:
            yield Prediction(image, maps.probability, threshold, above, context, display, maps.foreground_class)
            cut = max(0, complete - context)
            image, maps, above = image[cut:], maps.rows(cut), complete - cut
    if image is not None and maps is not None:
        yield Prediction(
            image, maps.probability, threshold, above, display=display, foreground_class=maps.foreground_class
        )


def picture_kinds(*, classes: bool = False) -> list[str]:
    """The kinds of pictures that are written; with that of a model with classes."""
    return [*PICTURES, CLASSES] if classes else [*PICTURES]


def result_files(stem: Path, *, classes: bool = False) -> list[Path]:
    """The files of the pictures of an image, in the order of `picture_kinds`; `stem` is the folder with the name of the image."""
    return [stem.with_name(f"{stem.name}_{kind}.png") for kind in picture_kinds(classes=classes)]


def is_result(path: Path) -> bool:
    """Whether a file is the result of a prediction: named like one, and the four pictures exist."""
    for ending in (*(f"_{kind}.png" for kind in PICTURES), *CELL_PICTURES):
        if path.name.endswith(ending):
            stem = path.with_name(path.name.removesuffix(ending))
            return all(file.is_file() for file in result_files(stem))
    return False
