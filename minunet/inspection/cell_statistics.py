"""Cell statistics: how many cells the masks of a set hold, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.inspection.mask_measures import diameters
from minunet.inspection.pair_measures import PairMeasures


@dataclass(frozen=True)
class CellStatistics:
    """The cells of a set of masks.

    Attributes
    ----------
    count : int
        Without specks.
    specks : int
        Parts of less than a fiftieth of a usual cell, see `speck_area`.
    numbered : bool
        Whether the masks number the cells; else connected parts are counted.
    fewest, most : int
        Cells in one image.
    small, median, large : float
        Diameters of discs of the same area, in pixels of the images: of 5 %, 50 % and 95 % of the cells at most. 0 without cells.
    median_in_network : float
        In pixels of the network's input.
    """

    count: int
    specks: int
    numbered: bool
    fewest: int
    most: int
    small: float
    median: float
    large: float
    median_in_network: float

    @classmethod
    def of(cls, measures: Sequence[PairMeasures], areas: Sequence[np.ndarray], specks: int) -> CellStatistics:
        """The cells of some pairs, at least one; `areas` and `specks` are those of `without_specks`."""
        every = diameters(np.concatenate(areas))
        in_network = np.concatenate(
            [one.mask.scale * diameters(part) for one, part in zip(measures, areas, strict=True)]
        )
        small, median, large = (float(q) for q in np.percentile(every, (5, 50, 95))) if every.size else (0.0,) * 3
        return cls(
            count=every.size,
            specks=specks,
            numbered=all(one.mask.numbered for one in measures),
            fewest=min(part.size for part in areas),
            most=max(part.size for part in areas),
            small=small,
            median=median,
            large=large,
            median_in_network=float(np.median(in_network)) if every.size else 0.0,
        )
