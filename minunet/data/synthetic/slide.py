"""The slide: maps of the stains that cells are painted on, and which pixel belongs to which cell.

A cell is refused where it would hide too much of another, or leave any cell in two parts; so every instance is connected.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from minunet.data.synthetic.drawn_class import DrawnClass
from minunet.data.synthetic.outline import DistanceField, Outline, Region
from minunet.data.synthetic.stain import Stain

SMALLEST_PART = (
    0.05  # of a cell's area must be inside the image, so that no instance consists of a few pixels at the border
)
SMALLEST_VISIBLE = 0.5  # of a cell's area in the image must stay visible under the cells on top of it


class Cell(Protocol):
    """A red or a white cell, which can be placed on a slide."""

    @property
    def outline(self) -> Outline: ...

    @property
    def kind(self) -> str: ...

    @property
    def shape(self) -> str: ...

    @property
    def margin(self) -> float: ...

    def paint(self, slide: Slide, region: Region, field: DistanceField, rng: np.random.Generator) -> None:
        """Add the cell's stains to the slide."""


class Slide:
    """An empty slide of `width` x `height` pixels.

    Attributes
    ----------
    stains : ndarray, float32, (6, H, W)
        Concentration of each `Stain`.
    instances : ndarray, int32, (H, W)
        The number of the topmost cell at each pixel centre, from 1; 0 where there is none.
    classes : ndarray, uint8, (H, W)
        The `DrawnClass` of each pixel centre. A cell covers a platelet.
    kinds, shapes : dict[int, str]
        Kind of each cell, "red" or "white", and the haematological name of its shape.
    """

    def __init__(self, width: int, height: int):
        self.stains = np.zeros((len(Stain), height, width), np.float32)
        self.instances = np.zeros((height, width), np.int32)
        self.classes = np.zeros((height, width), np.uint8)
        self.kinds: dict[int, str] = {}
        self.shapes: dict[int, str] = {}
        self._regions: dict[int, Region] = {}
        self._areas: dict[int, int] = {}

    def add(self, stain: Stain, region: Region, amount: np.ndarray) -> None:
        """Add `amount` (h, w) of a stain to a region of the slide."""
        self.stains[stain][region] += amount

    def mark(self, region: Region, inside: np.ndarray, drawn: DrawnClass) -> None:
        """Say of which class the pixels are where `inside` (h, w) is True in a region of the slide."""
        self.classes[region][inside] = drawn

    def place(self, cell: Cell, rng: np.random.Generator, overlap: float = 0.0) -> bool:
        """Place a cell on top of the others and paint it, or refuse it.

        Parameters
        ----------
        cell : Cell
        rng : numpy.random.Generator
            For the cell's texture.
        overlap : float
            The largest share of the new cell that may cover other cells.

        Returns
        -------
        bool
            False where the cell is refused and nothing changes: it is outside the image, covers more than `overlap`, hides
            more than half of another cell or any part of a white cell, or would leave a cell in two parts.
        """
        region = cell.outline.region(self.instances.shape, cell.margin)
        if region is None:
            return False
        field = cell.outline.distance_field(region)
        inside = field.inside
        area = int(np.count_nonzero(inside))
        owners = self.instances[region]
        below = owners[inside]
        if area < max(1.0, SMALLEST_PART * cell.outline.area) or np.count_nonzero(below) > overlap * area:
            return False
        if not is_connected(inside):
            return False
        before = owners.copy()
        number = len(self.kinds) + 1
        owners[inside] = number
        if any(self._spoiled(other) for other in np.unique(below[below > 0]).tolist()):
            owners[:] = before
            return False
        self.kinds[number], self.shapes[number] = cell.kind, cell.shape
        self._regions[number], self._areas[number] = region, area
        self.mark(region, inside, DrawnClass.WHITE_CELL if cell.kind == "white" else DrawnClass.RED_CELL)
        cell.paint(self, region, field, rng)
        return True

    def _spoiled(self, number: int) -> bool:
        """Whether a white cell is partly hidden, or too little of a red cell is left, or it is in two parts."""
        if self.kinds[number] == "white":
            return True
        visible = self.instances[self._regions[number]] == number
        return bool(np.count_nonzero(visible) < SMALLEST_VISIBLE * self._areas[number]) or not is_connected(visible)


def is_connected(mask: np.ndarray) -> bool:
    """Whether the True pixels of a boolean (h, w) mask are one 4-connected component; False for an empty mask.

    Horizontal runs are joined to those they touch in the row above (union-find); a cell has few more runs than rows.
    """
    height, width = mask.shape
    bordered = np.zeros((height, width + 2), np.int8)
    bordered[:, 1:-1] = mask
    edges = np.flatnonzero(bordered[:, 1:] != bordered[:, :-1])  # a run's start, then its stop, row after row
    starts, stops = edges[::2], edges[1::2]
    rows = starts // (width + 1)
    starts, stops, rows = (starts % (width + 1)).tolist(), (stops % (width + 1)).tolist(), rows.tolist()
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            run = parent[run]
        return run

    components = len(rows)
    above = 0  # the first run of the row above that may touch this one
    for run, row in enumerate(rows):
        while above < run and (rows[above] < row - 1 or (rows[above] == row - 1 and stops[above] <= starts[run])):
            above += 1
        other = above
        while other < run and rows[other] == row - 1 and starts[other] < stops[run]:
            first, second = root(other), root(run)
            if first != second:
                parent[second] = first
                components -= 1
            other += 1
    return components == 1
