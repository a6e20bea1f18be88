"""Stored masks: what the files of a mask hold, before anything decides which of it is cell.

Numbers stay numbers, palettes stay indices, and colours stay colours; a `MaskReading` turns them into cell and background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.data.reading.numbered_cells import CellRemarks


@dataclass(frozen=True, eq=False)
class StoredMask:
    """The values of one mask as they are stored.

    Attributes
    ----------
    values : ndarray, (H, W) or (H, W, 3)
        bool, integers or floats; the indices of a palette; or colours, (H, W, 3) uint8.
    palette : ndarray, (N, 3) uint8, or None
        The colour of each index, where the values are indices.
    is_numbered : bool
        Whether the source itself numbers the cells from 1 up, as one file a cell or a file of outlines does.
    remarks : CellRemarks or None
        What was noticed when it was put together from single cells.
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    is_numbered: bool = False
    remarks: CellRemarks | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.values.shape[0], self.values.shape[1]
