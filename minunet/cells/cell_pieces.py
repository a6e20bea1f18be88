"""Cell pieces: what the regions of a large image are cut into, numbered while they are written to its labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minunet.cell_packages import require
from minunet.cells.watershed import CutRegion
from minunet.files.disk_array import DiskArray


@dataclass
class CellPieces:
    """The pieces of regions, numbered from 1 in the order in which they were found.

    Attributes
    ----------
    areas : list of ndarray, (n,)
        Of each region; 0 for a piece that became part of another one.
    boxes : list of ndarray, (n, 4)
        Top, bottom, left and right in the image.
    count : int
        Of all pieces.
    """

    areas: list[np.ndarray] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, region: CutRegion, labels: DiskArray, own: np.ndarray | None = None) -> None:
        """Number the pieces of a region, and write the numbers.

        Parameters
        ----------
        region : CutRegion
            Whose pieces were put together.
        labels : DiskArray
        own : ndarray, (h, w) bool, optional
            The pixels that are written; the others of the region are left out.
        """
        number, pieces = len(region.areas), region.pieces
        if own is not None:
            pieces = np.where(own, pieces, 0)
        areas = region.areas if own is None else np.bincount(pieces.ravel(), minlength=number + 1)[1:]
        boxes = np.zeros((number, 4), np.int64)
        for piece, box in enumerate(require("scipy.ndimage").find_objects(pieces, number)):
            if box is not None:
                boxes[piece] = box[0].start, box[0].stop, box[1].start, box[1].stop
        boxes += (region.top, region.top, region.left, region.left)
        labels.put((pieces + self.count).astype(np.int32), region.top, region.left, pieces > 0)
        self.areas.append(areas)
        self.boxes.append(boxes)
        self.count += number
