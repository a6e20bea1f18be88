"""Mask sides: which of two levels is cell, the light or the dark one, told by their shapes.

Cells are separate and round; what lies around them is one piece with holes. So it is told also where cells cover most of a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.reading.mask_counts import MaskCounts

ROUND = 0.35  # roundness above which a side is cells, and the other one is not; see `MaskCounts.roundness`
NOT_ROUND = 0.2
MOST = 0.55  # of the pixels and of the borders: a side with more is probably the background, if the shapes do not tell


@dataclass(frozen=True)
class MaskSides:
    """The evidence on the two sides of a set of masks.

    Attributes
    ----------
    dark, light : float
        Mean roundness of each side over the masks that have both.
    light_share : float
        Of all pixels.
    light_frame : float
        Of the pixels at the borders.
    opposed : tuple of int
        Places of the masks whose shapes tell the opposite of what those of most masks tell.
    """

    dark: float
    light: float
    light_share: float
    light_frame: float
    opposed: tuple[int, ...] = ()

    @classmethod
    def of(cls, counts: Sequence[MaskCounts], cut: float) -> MaskSides:
        """The evidence of some masks; what is above `cut` is light."""
        pixels = sum(mask.size for mask in counts)
        frame = sum(int(mask.frame.sum()) for mask in counts)
        light_pixels = sum(int(mask.pixels[mask.values > cut].sum()) for mask in counts)
        light_frame = sum(int(mask.frame[mask.values > cut].sum()) for mask in counts)
        told = {
            place: mask.roundness
            for place, mask in enumerate(counts)
            if mask.roundness is not None and mask.values[0] <= cut < mask.values[-1]
        }
        dark, light = np.mean(list(told.values()), axis=0) if told else (0.0, 0.0)
        dark_cells = [place for place, sides in told.items() if _tells(*sides)]
        light_cells = [place for place, sides in told.items() if _tells(*reversed(sides))]
        return cls(
            float(dark),
            float(light),
            light_pixels / pixels,
            light_frame / max(1, frame),
            tuple(dark_cells if len(dark_cells) < len(light_cells) else light_cells),
        )

    @property
    def cells_are_dark(self) -> bool:
        """Whether the shapes tell that the dark side is the cells."""
        return _tells(self.dark, self.light)

    @property
    def unsure(self) -> bool:
        """Whether the light side may well be the background, although the shapes do not tell."""
        told = self.cells_are_dark or _tells(self.light, self.dark)
        return not told and self.light_share > MOST and self.light_frame > MOST


def _tells(cells: float, around: float) -> bool:
    return cells > ROUND and around < NOT_ROUND
