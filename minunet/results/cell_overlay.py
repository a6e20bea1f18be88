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
from minunet.results.overlay import CONTOUR, UNCERTAIN, find_boundaries, line_width
from minunet.results.picture import to_uint8_rgb

FONT = (9, 48)  # smallest and largest, in pixels


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
    pixels = to_uint8_rgb(image).copy()
    boundary = find_boundaries(labels, line_width(pixels.shape, 800))
    doubtful = np.zeros(int(labels.max(initial=0)) + 1, bool)
    for row in table:
        doubtful[row["id"]] = row["confidence"] is not None and row["confidence"] < DOUBTFUL
    colours = np.where(doubtful[:, None], np.array(UNCERTAIN, np.uint8), np.array(CONTOUR, np.uint8))  # (cells + 1, 3)
    if classes is not None:
        legend = classes.legend
        for inner in (inner for inner, outer in enumerate(legend.outer) if outer != inner):
            inside = (classes.index == inner) & (labels > 0)
            pixels[find_boundaries(inside, line_width(pixels.shape, 800))] = legend.colours[inner]
        for row in table:
            colours[row["id"]] = legend.colour_of(row["class"])
    pixels[boundary] = colours[labels[boundary]]
    picture = Image.fromarray(pixels)
    if table:
        draw = ImageDraw.Draw(picture)
        diameter = float(np.median([row["equivalent_diameter_px"] for row in table]))
        size = int(np.clip(round(0.33 * diameter), *FONT))
        font = load_font(size)
        for row in table:
            place = row["centroid_x_px"], row["centroid_y_px"]
            border = max(1, size // 9)
            text = str(row["id"]) + "?" * bool(classes is not None and doubtful[row["id"]])
            draw.text(place, text, "white", font, anchor="mm", stroke_width=border, stroke_fill=(25, 25, 25))
    return picture
