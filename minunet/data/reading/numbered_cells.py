"""Numbered cells: single cells put together to one mask in which each has its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class CellPart:
    """The pixels of one cell.

    Attributes
    ----------
    top, left : int
        Where the part lies in the image.
    mask : ndarray, (h, w) bool
    """

    top: int
    left: int
    mask: np.ndarray


@dataclass(frozen=True)
class CellRemarks:
    """What was noticed when cells were put together.

    Attributes
    ----------
    cells : int
        Cells with a number.
    overlap : int
        Pixels that lie in more than one cell.
    hidden : int
        Cells of which no pixel is left, since others cover them.
    empty : int
        Cells without a pixel in the image.
    """

    cells: int = 0
    overlap: int = 0
    hidden: int = 0
    empty: int = 0

    def __add__(self, other: CellRemarks) -> CellRemarks:
        return CellRemarks(
            self.cells + other.cells,
            self.overlap + other.overlap,
            self.hidden + other.hidden,
            self.empty + other.empty,
        )


def number_cells(cells: Sequence[CellPart], shape: tuple[int, int]) -> tuple[np.ndarray, CellRemarks]:
    """Number cells from 1 up, in their order.

    Parameters
    ----------
    cells : sequence of CellPart
    shape : (H, W)

    Returns
    -------
    labels : ndarray, (H, W) int32
        0 for background. A pixel in several cells has the number of the smallest one, so that a cell on another one stays.
    remarks : CellRemarks
    """
    labels = np.zeros(shape, np.int32)
    sizes = [int(np.count_nonzero(cell.mask)) for cell in cells]
    numbers = {i: number for number, i in enumerate((i for i, size in enumerate(sizes) if size), start=1)}
    covered = np.zeros(shape, bool)
    twice = np.zeros(shape, bool)
    for i in sorted(numbers, key=lambda i: (-sizes[i], i)):
        cell = cells[i]
        height, width = cell.mask.shape
        window = (slice(cell.top, cell.top + height), slice(cell.left, cell.left + width))
        twice[window] |= covered[window] & cell.mask
        covered[window] |= cell.mask
        labels[window][cell.mask] = numbers[i]
    visible = len(np.unique(labels[covered]))
    overlap = int(np.count_nonzero(twice))
    return labels, CellRemarks(len(numbers), overlap, len(numbers) - visible, len(cells) - len(numbers))
