"""The cell overlay: an image with the outline and the number of every cell, legible however sure the network is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from minunet.cells.image_summary import DOUBTFUL
from minunet.data.class_legend import ClassLegend
from minunet.results.captions import load_font
from minunet.results.overlay import CONTOUR, UNCERTAIN, find_boundaries, full_size_line
from minunet.results.picture import to_uint8_rgb

FONT = (9, 48)  # smallest and largest, in pixels
THICKEST = 0.1  # of the diameter of a cell, so that its inside is seen however large the image is


@dataclass(frozen=True, eq=False)
class ShownClasses:
    """The classes of an image, whose colours the outlines have.

    Attributes
    ----------
    index : ndarray, (H, W) uint8
        The class of each pixel.
    legend : ClassLegend
    """

    index: np.ndarray
    legend: ClassLegend


def cell_overlay(
    image: np.ndarray,
    labels: np.ndarray,
    table: Sequence[Mapping[str, Any]],
    classes: ShownClasses | None = None,
) -> Image.Image:
    """Draw cells on their image.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, 3)
        See `minunet.results.picture.to_uint8_rgb`.
    labels : ndarray, (H, W) int32
    table : sequence of mapping
        Its cells, as `minunet.cells.cell_measures.measure_cells` returns them; with classes those of `measure_classes`.
    classes : ShownClasses, optional

    Returns
    -------
    PIL image, RGB, of the image's size
        Outlines are green, and orange for doubtful cells; numbers are white with a dark border. With classes an outline has the
        colour of the class, also that of a class inside a cell, and the number of a doubtful cell has a question mark.
    """
    if classes is None:
        return CellDrawing(table, labels.shape[1]).draw(image, labels)
    return CellDrawing(table, labels.shape[1], classes.legend).draw(image, labels, index=classes.index)


class CellDrawing:
    """The outlines and numbers of the cells of an image, which are drawn on it or on some rows of it; see `cell_overlay`.

    Parameters
    ----------
    table : sequence of mapping
        All cells of the image, in the order of their numbers.
    width : int
        Of the image.
    legend : ClassLegend, optional
        Of their classes.

    Attributes
    ----------
    reach : int
        So many rows above and below what is drawn on it: rows are drawn with as many around them, which are then cut off.
    """

    def __init__(self, table: Sequence[Mapping[str, Any]], width: int, legend: ClassLegend | None = None):
        self._table, self._legend = table, legend
        self._doubtful = np.zeros(max((row["id"] for row in table), default=0) + 1, bool)
        for row in table:
            self._doubtful[row["id"]] = row["confidence"] is not None and row["confidence"] < DOUBTFUL
        # (cells + 1, 3)
        self._colours = np.where(self._doubtful[:, None], np.array(UNCERTAIN, np.uint8), np.array(CONTOUR, np.uint8))
        if legend is not None:
            for row in table:
                self._colours[row["id"]] = legend.colour_of(row["class"])
        diameter = float(np.median([row["equivalent_diameter_px"] for row in table])) if table else 0.0
        self._line = min(full_size_line(width, 800), max(1, round(THICKEST * diameter)))
        self._size = int(np.clip(round(0.33 * diameter), *FONT))
        self._rows = np.array([row["centroid_y_px"] for row in table])
        self.reach = max(2 * self._size, self._line + 1)

    def draw(self, image: np.ndarray, labels: np.ndarray, top: int = 0, index: np.ndarray | None = None) -> Image.Image:
        """Draw the cells on rows of the image.

        Parameters
        ----------
        image : ndarray, (h, W) or (h, W, 3)
        labels : ndarray, (h, W) int32
        top : int
            The number of the first of these rows.
        index : ndarray, (h, W) uint8, optional
            The class of each pixel: the classes inside of cells have outlines, too.
        """
        pixels = to_uint8_rgb(image).copy()
        boundary = find_boundaries(labels, self._line)
        if self._legend is not None and index is not None:
            for inner in (inner for inner, outer in enumerate(self._legend.outer) if outer != inner):
                pixels[find_boundaries((index == inner) & (labels > 0), self._line)] = self._legend.colours[inner]
        pixels[boundary] = self._colours[labels[boundary]]
        picture = Image.fromarray(pixels)
        near = np.flatnonzero((self._rows >= top - self.reach) & (self._rows <= top + len(pixels) + self.reach))
        if len(near):
            draw, font, border = ImageDraw.Draw(picture), load_font(self._size), max(1, self._size // 9)
            for row in (self._table[place] for place in near.tolist()):
                place = row["centroid_x_px"], row["centroid_y_px"] - top
                text = str(row["id"]) + "?" * bool(self._legend is not None and self._doubtful[row["id"]])
                draw.text(place, text, "white", font, anchor="mm", stroke_width=border, stroke_fill=(25, 25, 25))
        return picture
