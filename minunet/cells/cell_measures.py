"""Cell measures: the size, shape, stain and reliability of each cell of an image, a row of the table of cells.

The names of the columns carry their unit: px and px2, um and um2, deg. Those without a unit are shares, ratios or logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minunet.cells.cell_outlines import SmoothOutline
from minunet.cells.cell_packages import require
from minunet.cells.cell_stain import CellStain, central_pallor

CELL_COLUMNS = {
    "id": "number of the cell, its value in NAME_labels.tif",
    "area_px2": "number of pixels",
    "perimeter_px": "length of the outline, smoothed over the steps of the pixels",
    "equivalent_diameter_px": "diameter of the disc of the same area",
    "largest_diameter_px": "largest Feret diameter: between two parallel lines that touch the cell",
    "smallest_diameter_px": "smallest Feret diameter",
    "major_axis_px": "long axis of the ellipse of the same second moments",
    "minor_axis_px": "its short axis",
    "circularity": "4 pi area / perimeter^2, 1 for a disc",
    "eccentricity": "of that ellipse: 0 for a circle, near 1 for a line",
    "solidity": "area / area of the convex hull",
    "orientation_deg": "of the long axis, counter-clockwise from the vertical, -90 to 90",
    "centroid_x_px": "from the left edge of the image; the middle of the first pixel is 0",
    "centroid_y_px": "from the upper edge",
    "box_left_px": "first column of the cell",
    "box_top_px": "first row",
    "box_width_px": "columns",
    "box_height_px": "rows",
    "mean_optical_density": "mean of log10(background / brightness) over the cell's pixels",
    "summed_optical_density": "their sum",
    "central_pallor": "diameter of the pale centre / diameter of the cell, 0 where the centre is not paler",
    "touches_edge": "1 where the cell is cut by, or reaches, the edge of the image",
    "in_clump": "1 where it touches another cell",
    "confidence": "mean probability of its pixels",
}
LENGTHS = (
    "perimeter_px",
    "equivalent_diameter_px",
    "largest_diameter_px",
    "smallest_diameter_px",
    "major_axis_px",
    "minor_axis_px",
)
MICROMETRE_COLUMNS = {
    "area_um2": "area_px2",
    **{name.removesuffix("_px") + "_um": name for name in LENGTHS},
}  # each with the column that it is made of


class Cells(NamedTuple):
    """The cells of an image.

    Attributes
    ----------
    labels : ndarray, (H, W) int32
        The number of the cell of each pixel, 0 where there is none.
    table : list of dict
        A row for each cell, with the columns of `CELL_COLUMNS`; also those of `MICROMETRE_COLUMNS` where the size of a pixel is
        known. A value that cannot be measured is None.

    Examples
    --------
    >>> labels = np.zeros((6, 8), np.int32)
    >>> labels[1:4, 2:6] = 1
    >>> cells = Cells(labels, measure_cells(labels))
    >>> cells.table[0]["area_px2"]
    12
    """

    labels: np.ndarray
    table: list[dict[str, Any]]


def measure_cells(
    labels: np.ndarray,
    probability: np.ndarray | None = None,
    brightness: np.ndarray | None = None,
    pixel_size: float | None = None,
) -> list[dict[str, Any]]:
    """Measure the cells of an image.

    Parameters
    ----------
    labels : ndarray, (H, W) int
        The number of the cell of each pixel, 0 where there is none.
    probability : ndarray, (H, W), optional
        Without it there is no confidence.
    brightness : ndarray, (H, W), optional
        In proportion to the light; without it there are no optical densities and no central pallor.
    pixel_size : float, optional
        The side of a pixel in micrometres.

    Returns
    -------
    list of dict
        See `Cells`.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.

    Notes
    -----
    Area, axes, eccentricity, solidity, orientation and centroid are those of `skimage.measure.regionprops`. Perimeter and
    Feret diameters are those of `SmoothOutline`: for discs and ellipses within 1 %, and diameters of less than 60 pixels within two
    thirds of a pixel. Optical density: Beer and Lambert; background is the median brightness outside of cells, see `CellStain`.
    """
    regions = require("skimage.measure").regionprops(labels)
    clumps = in_clumps(labels)
    stain = None if brightness is None else CellStain.of(brightness, labels)
    return [_measure(region, labels.shape, clumps, probability, stain, pixel_size) for region in regions]


def in_clumps(labels: np.ndarray) -> dict[int, int]:
    """The clump of each cell that touches another one, also at a corner: the number of the cell, and that of its clump."""
    inside = labels > 0
    clumps, count = require("scipy.ndimage").label(inside, np.ones((3, 3)))
    pairs = np.unique(labels[inside].astype(np.int64) * (count + 1) + clumps[inside])
    cells, places = np.divmod(pairs, count + 1)
    counts = np.bincount(places) if len(places) else np.zeros(1, int)
    return {int(cell): int(place) for cell, place in zip(cells, places, strict=True) if counts[place] > 1}


def in_micrometres(row: Mapping[str, Any], pixel_size: float | None) -> dict[str, float | None]:
    """The columns in micrometres that follow from those in pixels; None without a pixel size."""
    return {
        name: None if pixel_size is None else row[source] * (pixel_size**2 if name.endswith("_um2") else pixel_size)
        for name, source in MICROMETRE_COLUMNS.items()
    }


def _measure(
    region: Any,
    shape: tuple[int, ...],
    clumps: Mapping[int, int],
    probability: np.ndarray | None,
    stain: CellStain | None,
    pixel_size: float | None,
) -> dict[str, Any]:
    outline = SmoothOutline.of(region.image)
    area, perimeter = float(region.area), outline.perimeter
    largest, smallest = outline.feret_diameters()
    top, left, bottom, right = region.bbox
    density = None if stain is None else stain.density(region.slice)
    inside = region.image
    row = {
        "id": int(region.label),
        "area_px2": int(area),
        "perimeter_px": perimeter,
        "equivalent_diameter_px": float(region.equivalent_diameter_area),
        "largest_diameter_px": largest,
        "smallest_diameter_px": smallest,
        "major_axis_px": float(region.axis_major_length),
        "minor_axis_px": float(region.axis_minor_length),
        "circularity": 4 * np.pi * area / perimeter**2,
        "eccentricity": float(region.eccentricity),
        "solidity": float(region.solidity),
        "orientation_deg": float(np.degrees(region.orientation)),
        "centroid_x_px": float(region.centroid[1]),
        "centroid_y_px": float(region.centroid[0]),
        "box_left_px": left,
        "box_top_px": top,
        "box_width_px": right - left,
        "box_height_px": bottom - top,
        "mean_optical_density": None if density is None else float(density[inside].mean()),
        "summed_optical_density": None if density is None else float(density[inside].sum(dtype=np.float64)),
        "central_pallor": None if density is None else central_pallor(density, inside),
        "touches_edge": int(top == 0 or left == 0 or bottom == shape[0] or right == shape[1]),
        "in_clump": int(region.label in clumps),
        "confidence": None if probability is None else float(probability[region.slice][inside].mean(dtype=np.float64)),
    }
    return row if pixel_size is None else row | in_micrometres(row, pixel_size)
