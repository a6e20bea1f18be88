"""An outline: one cell in a file of an annotation program, and all outlines of one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from minunet.data.outlines.drawing import draw_rings
from minunet.data.reading.numbered_cells import CellPart
from minunet.errors import UserError

BACKGROUND = frozenset({"background", "_background_", "__ignore__"})  # classes that are no cells


@dataclass(frozen=True, eq=False)
class CellOutline:
    """One cell.

    Attributes
    ----------
    draw : callable
        Called with the shape (H, W) of the image; returns the cell's pixels.
    label : str
        The name of its class.
    is_box : bool
        Whether it is a rectangle along the axes, drawn as one, which says where a cell is and not what belongs to it.
    """

    draw: Callable[[tuple[int, int]], CellPart]
    label: str = ""
    is_box: bool = False

    @classmethod
    def of_rings(cls, rings: Sequence[np.ndarray], label: str = "") -> CellOutline:
        """A cell of one or more polygons, each (N, 2) corners as (x, y)."""
        rings = tuple(rings)
        return cls(lambda shape: draw_rings(rings, shape), label, len(rings) == 1 and _is_box(rings[0]))


@dataclass
class ImageOutlines:
    """The outlines of one image.

    Attributes
    ----------
    outlines : list of CellOutline
    size : (width, height) or None
        Of the image, where the file says it.
    boxes : int
        Cells that have a box and no outline.
    skipped : int
        Points, lines and other marks that enclose nothing.
    """

    outlines: list[CellOutline] = field(default_factory=list)
    size: tuple[int, int] | None = None
    boxes: int = 0
    skipped: int = 0

    def add(self, outline: CellOutline) -> None:
        """Add an outline; those of background are left out."""
        if outline.label.casefold() not in BACKGROUND:
            self.outlines.append(outline)

    @property
    def only_boxes(self) -> bool:
        """Whether there are boxes and no outlines."""
        return bool(self.boxes or self.outlines) and all(outline.is_box for outline in self.outlines)

    def parts(self, shape: tuple[int, int]) -> list[CellPart]:
        """The cells as parts of an image of a shape (H, W)."""
        return [outline.draw(shape) for outline in self.outlines]


def image_size(width: object, height: object, what: str) -> tuple[int, int] | None:
    """A size that a file states; None where it states none, 0 or something that is no size."""
    if width is None or height is None:
        return None
    try:
        size = int(width), int(height)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{what} has a width or a height that is not a number.") from error
    return size if min(size) > 0 else None


def _is_box(ring: np.ndarray) -> bool:
    """Whether a polygon is a rectangle along the axes."""
    if len(ring) > 1 and (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if len(ring) != 4:
        return False
    x, y = np.unique(ring[:, 0]), np.unique(ring[:, 1])
    sides = (ring != np.roll(ring, -1, axis=0)).sum(axis=1)
    return len(x) == len(y) == 2 and bool((sides == 1).all())
