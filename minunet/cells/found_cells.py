"""Found cells: the cells of an image with their measures, from its maps and its pixels."""

from __future__ import annotations

import numpy as np

from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_measures import Cells, measure_cells
from minunet.cells.cell_settings import CellSettings
from minunet.cells.cell_stain import brightness
from minunet.cells.class_measures import ClassifiedCells, measure_classes
from minunet.data.class_cells import inner_areas


def find_and_measure(
    maps: CellMaps, image: np.ndarray, settings: CellSettings, pixel_size: float | None = None
) -> Cells:
    """Find the cells of an image and measure them.

    Parameters
    ----------
    maps : CellMaps
    image : ndarray, (H, W) or (H, W, C)
        As the camera made it; densities are measured in it.
    settings : CellSettings
    pixel_size : float, optional
        The side of a pixel in micrometres.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.
    """
    cells = maps.find(settings)
    table = measure_cells(cells.labels, maps.probability, brightness(image), pixel_size)
    index = maps.classes_above(settings.threshold)
    if index is not None and maps.legend is not None:
        areas = inner_areas(index, cells, maps.legend.outer)
        table = measure_classes(table, cells.classes, areas, maps.legend, pixel_size)
        return ClassifiedCells.of(cells.labels, table, maps.legend)
    return Cells(cells.labels, table)
