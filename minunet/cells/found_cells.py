"""Found cells: the cells of an image with their measures, from its probabilities and its pixels."""

from __future__ import annotations

import numpy as np

from minunet.cells.cell_measures import Cells, measure_cells
from minunet.cells.cell_settings import CellSettings
from minunet.cells.cell_stain import brightness
from minunet.cells.watershed import find_cells


def find_and_measure(
    probability: np.ndarray,
    image: np.ndarray,
    settings: CellSettings,
    pixel_size: float | None = None,
    separation: np.ndarray | None = None,
) -> Cells:
    """Find the cells of an image and measure them.

    Parameters
    ----------
    probability : ndarray, (H, W)
        That a pixel belongs to a cell.
    image : ndarray, (H, W) or (H, W, C)
        As the camera made it; densities are measured in it.
    settings : CellSettings
    pixel_size : float, optional
        The side of a pixel in micrometres.
    separation : ndarray, (H, W), optional
        As for `find_cells`.

    Raises
    ------
    UserError
        If the packages that cells need are not installed.
    """
    labels = find_cells(probability, settings, separation)
    return Cells(labels, measure_cells(labels, probability, brightness(image), pixel_size))
