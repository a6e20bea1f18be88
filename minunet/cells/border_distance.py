"""The border distance: how far the borders of predicted cells are from those of the true cells, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.cell_packages import require


@dataclass(frozen=True)
class BorderDistance:
    """The sum of the distances, and of how many border pixels.

    Attributes
    ----------
    total : float
        In pixels.
    count : int
        Border pixels of both.
    """

    total: float = 0.0
    count: int = 0

    @property
    def mean(self) -> float | None:
        """The mean distance in pixels; None where an image without cells was compared."""
        return self.total / self.count if self.count else None

    @classmethod
    def sum(cls, parts: Sequence[BorderDistance]) -> BorderDistance:
        """The distances of several images together."""
        return cls(sum(part.total for part in parts), sum(part.count for part in parts))


def border_distance(truth: np.ndarray, predicted: np.ndarray) -> BorderDistance:
    """The average symmetric surface distance of two images of labels.

    Parameters
    ----------
    truth, predicted : ndarray, (H, W)
        0 for background.

    Returns
    -------
    BorderDistance
        Over the border pixels of both: from each to the nearest border pixel of the other. Nothing where one of the two has no
        border.

    Notes
    -----
    As defined by Heimann, T. et al. (2009), Comparison and evaluation of methods for liver segmentation from CT datasets, IEEE
    Trans. Med. Imaging 28(8). A border pixel belongs to a cell and has a neighbour up, down, left or right that does not belong
    to it; the border of the image is no border of a cell.
    """
    tree = require("scipy.spatial").cKDTree
    one, other = (np.argwhere(cell_borders(labels)) for labels in (truth, predicted))  # (border pixels, 2)
    if not (len(one) and len(other)):
        return BorderDistance()
    distances = np.concatenate([tree(other).query(one)[0], tree(one).query(other)[0]])
    return BorderDistance(float(distances.sum()), len(distances))


def cell_borders(labels: np.ndarray) -> np.ndarray:
    """The border pixels of cells, (H, W) bool: those with a neighbour of another label up, down, left or right."""
    border = np.zeros(labels.shape, bool)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        differ = labels[here] != labels[there]
        border[here] |= differ
        border[there] |= differ
    return np.asarray(border & (labels > 0))
