"""Mask readings: which of the values that a set of masks stores are cell, decided once for the whole set.

A reading is stored with the run and with the model, so that every command takes the same pixels for cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from minunet.data.reading.stored_mask import StoredMask
from minunet.errors import UserError
from minunet.wording import shorten

NUMBERED = "numbered cells"


@dataclass(frozen=True)
class MaskReading:
    """How the masks of a set are read.

    Parameters
    ----------
    kind : str
        What the masks hold, such as "numbered cells".
    above : float
        Values above it are cell.
    """

    kind: str
    above: float = 0.0

    def cell(self, stored: StoredMask) -> np.ndarray:
        """Which pixels are cell: (H, W) bool."""
        return np.asarray(stored.values > self.above)

    def ignored(self, stored: StoredMask) -> np.ndarray | None:
        """Which pixels count in no loss and no score: (H, W) bool, or None where there are none."""
        return None

    def labels(self, stored: StoredMask) -> np.ndarray | None:
        """The number of each cell, (H, W) int32, 0 where there is none; None where the masks do not number cells."""
        if self.kind != NUMBERED:
            return None
        return np.where(self.cell(stored), stored.values, 0).astype(np.int32)

    def describe(self) -> str:
        """The reading in a line."""
        return f"{self.kind}; cell is above {self.above:g}"

    def to_dict(self) -> dict[str, Any]:
        """The reading, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> MaskReading:
        """The reading that `to_dict` returned.

        Raises
        ------
        UserError
            If this version doesn't know one of its entries.
        """
        if unknown := sorted(set(stored) - {field.name for field in fields(cls)}):
            raise UserError(
                f"a reading of masks with unknown entries ({shorten(', '.join(unknown))}): it needs a newer minunet."
            )
        return cls(**stored)
