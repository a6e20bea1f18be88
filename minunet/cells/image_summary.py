"""The summary of an image: what its cells say together, a row of the table of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minunet.cells.count_interval import CountInterval
from minunet.cells.touching_cells import in_clumps
from minunet.wording import paragraph

DOUBTFUL = 0.75  # a cell of a lower mean probability should be looked at

IMAGE_COLUMNS = {
    "image": "path of the image in the folder that was given, without its ending",
    "width_px": "of the image",
    "height_px": "of the image",
    "cells": "number of cells",
    "cells_low": "lower end of the 90 % interval of the number",
    "cells_high": "its upper end",
    "cells_inside": "cells that do not reach the edge of the image",
    "cells_in_frame": "unbiased count: without the cells that reach the lower or the right edge",
    "covered_area": "share of the image that is cell",
    "median_diameter_px": "median of the equivalent diameters of the cells inside",
    "mean_diameter_px": "their mean",
    "size_cv": "their standard deviation / mean, the width of the Price-Jones curve",
    "clumps": "groups of two or more cells that touch",
    "doubtful_cells": f"cells with a confidence under {DOUBTFUL:g}",
    "notes": "what the user should know about the image",
    "pixel_size_um": "side of a pixel",
    "median_diameter_um": "median of the equivalent diameters of the cells inside",
    "mean_diameter_um": "their mean",
    "density_per_mm2": "cells_in_frame / area of the image",
}
IN_MICROMETRES = ("pixel_size_um", "median_diameter_um", "mean_diameter_um", "density_per_mm2")


@dataclass(frozen=True)
class LabelledArea:
    """What the labels of an image say beside the rows of its cells.

    Attributes
    ----------
    shape : (H, W)
    covered : int
        Pixels of cells.
    cut : int
        Cells that reach the lower or the right edge.
    clumps : int
        Groups of cells that touch.
    """

    shape: tuple[int, ...]
    covered: int
    cut: int
    clumps: int

    @classmethod
    def of(cls, labels: np.ndarray) -> LabelledArea:
        """That of labels, (H, W) int32."""
        cut = {int(number) for number in np.concatenate([labels[-1], labels[:, -1]]) if number}
        return cls(labels.shape, int(np.count_nonzero(labels)), len(cut), len(set(in_clumps(labels).values())))


def measure_image(
    name: str,
    labels: np.ndarray | LabelledArea,
    table: Sequence[Mapping[str, Any]],
    *,
    pixel_size: float | None = None,
    interval: CountInterval | None = None,
    notes: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The row of an image.

    Parameters
    ----------
    name : str
    labels : ndarray, (H, W) int32, or LabelledArea
    table : sequence of mapping
        Its cells, as `measure_cells` returns them.
    pixel_size : float, optional
        In micrometres; without it the columns in micrometres are None.
    interval : CountInterval, optional
        Of the model; without it the interval is None.
    notes : sequence of str
    counts : mapping of str to int, optional
        Further columns: the cells of each class (see `minunet.cells.class_measures.class_counts`).

    Returns
    -------
    dict
        With the columns of `IMAGE_COLUMNS`. What cannot be measured is None, such as the diameter where no cell is inside.

    Notes
    -----
    The frame is that of Gundersen, H. J. G. (1977), Notes on the estimation of the numerical density of arbitrary profiles: the
    edge effect, J. Microsc. 111(2): cells that touch two adjacent edges do not count, so that in a mosaic each cell counts once.
    """
    area = labels if isinstance(labels, LabelledArea) else LabelledArea.of(labels)
    height, width = area.shape
    inside = [row for row in table if not row["touches_edge"]]
    diameters = np.array([row["equivalent_diameter_px"] for row in inside])
    median, mean = (float(np.median(diameters)), float(np.mean(diameters))) if len(diameters) else (None, None)
    low, high = (None, None) if interval is None else interval.of(len(table))
    in_frame = len(table) - area.cut
    scaled = {
        "pixel_size_um": pixel_size,
        "median_diameter_um": None if median is None or pixel_size is None else median * pixel_size,
        "mean_diameter_um": None if mean is None or pixel_size is None else mean * pixel_size,
        "density_per_mm2": None if pixel_size is None else in_frame / (height * width * pixel_size**2 / 1e6),
    }
    return {
        "image": name,
        "width_px": width,
        "height_px": height,
        "cells": len(table),
        "cells_low": low,
        "cells_high": high,
        "cells_inside": len(inside),
        "cells_in_frame": in_frame,
        "covered_area": float(area.covered) / (height * width),
        "median_diameter_px": median,
        "mean_diameter_px": mean,
        "size_cv": float(np.std(diameters, ddof=1) / np.mean(diameters)) if len(diameters) > 1 else None,
        "clumps": area.clumps,
        "doubtful_cells": sum(row["confidence"] is not None and row["confidence"] < DOUBTFUL for row in table),
        "notes": paragraph(notes),
        **scaled,
        **(counts or {}),
    }
