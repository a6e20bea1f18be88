"""Cell pixels: what is in the box of one cell, from which it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minunet.cell_packages import require
from minunet.cells.cell_stain import CellStain


@dataclass(frozen=True)
class CellPixels:
    """The pixels of one cell.

    Attributes
    ----------
    number : int
        Of the cell.
    top, left : int
        The first row and the first column of its box in the image.
    cell : ndarray, (h, w) bool
        Its pixels in the box.
    density : ndarray, (h, w) float32, or None
        The optical density; None where it is not known.
    probability : ndarray, (h, w), or None
    """

    number: int
    top: int
    left: int
    cell: np.ndarray
    density: np.ndarray | None = None
    probability: np.ndarray | None = None


def pixels_of_cells(
    labels: np.ndarray, probability: np.ndarray | None = None, stain: CellStain | None = None, top: int = 0
) -> Iterator[CellPixels]:
    """The pixels of each cell in an image, or in some rows of it, in the order of their numbers.

    Parameters
    ----------
    labels : ndarray, (H, W) int
        The number of the cell of each pixel, 0 where there is none.
    probability : ndarray, (H, W), optional
    stain : CellStain, optional
    top : int
        The first of the rows.
    """
    for number, box in enumerate(require("scipy.ndimage").find_objects(labels), start=1):
        if box is not None:
            yield CellPixels(
                number,
                top + box[0].start,
                box[1].start,
                labels[box] == number,
                None if stain is None else stain.density(box),
                None if probability is None else probability[box],
            )
