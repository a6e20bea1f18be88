"""The pictures of two labellings of one image: each of them, and where they differ, in the size of a report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from minunet.results.overlay import find_boundaries, line_width, overlay
from minunet.results.picture import to_uint8_rgb
from minunet.results.report.report_pictures import (
    ADDED,
    MISSED,
    ReportPicture,
    error_map,
    report_picture,
    shown_size,
)

DIFFERENCE_LEGEND = ((MISSED, "cell in A only"), (ADDED, "cell in B only"))
IN_BOTH = 0.2  # the grey of cells that both have, before it is faded


@dataclass(frozen=True)
class ShownLabels:
    """Two labellings of one image, shrunk to the size at which a report shows them.

    Attributes
    ----------
    name : str
    a, b : ndarray, (h, w) int32
        The number of the cell of each pixel; 0 for background.
    image : ndarray or None, (h, w, 3) uint8
    """

    name: str
    a: np.ndarray
    b: np.ndarray
    image: np.ndarray | None = None

    @classmethod
    def of(cls, name: str, a: np.ndarray, b: np.ndarray, image: np.ndarray | None = None) -> ShownLabels:
        """Shrink the labels (H, W) of an image, and the image, (H, W) or (H, W, 3), where it is given."""
        size = shown_size(a.shape[1], a.shape[0])
        # Pixels are left out, not mixed: between the numbers of two cells is that of a third.
        small_a, small_b = (
            np.asarray(Image.fromarray(labels.astype(np.int32)).resize(size, Image.Resampling.NEAREST))
            for labels in (a, b)
        )
        shown = None
        if image is not None:
            picture = Image.fromarray(to_uint8_rgb(image))
            shown = np.asarray(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
        return cls(name, small_a, small_b, shown)

    def pictures(self) -> list[ReportPicture]:
        """The image where it is known, both labellings, and the differences."""
        inside = [separated(labels) for labels in (self.a, self.b)]
        both = np.where(inside[0] & inside[1], np.float32(IN_BOTH), np.float32(1))
        differences, only_a, only_b = error_map(both if self.image is None else self.image, inside[0], inside[1])
        alt = (
            f"Where A and B differ on {self.name}: {100 * only_a:.1f} % of the pixels are cell in A only, in orange; "
            f"{100 * only_b:.1f} % in B only, in blue"
        )
        pictures = [] if self.image is None else [report_picture("image", self.image, f"The image {self.name}")]
        for word, labels, cells in zip("AB", (self.a, self.b), inside, strict=True):
            if self.image is None:
                pictures.append(report_picture(word, cells, f"The cells of {self.name} in {word}, in white"))
            else:
                outlined = overlay(self.image, labels, thickness=line_width(self.image.shape))
                pictures.append(report_picture(word, outlined, f"{self.name} with the outlines of its cells in {word}"))
        return [*pictures, report_picture("differences", differences, alt)]


def separated(labels: np.ndarray) -> np.ndarray:
    """The cells (h, w) bool without the pixels along their borders, so that cells that touch are seen apart."""
    return (labels > 0) & ~find_boundaries(labels)
