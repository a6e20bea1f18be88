"""The predicted maps: all that a network says of each pixel of an image, at the image's own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.outputs import Outputs


@dataclass(frozen=True, eq=False)
class PredictedMaps:
    """The maps of one image, or of consecutive rows of it.

    Attributes
    ----------
    probability : ndarray, (H, W) float32 in [0, 1]
        That a pixel belongs to a cell.
    separation : ndarray, (H, W) float32 in [0, 1], or None
        What separates cells that touch (see `minunet.data.outputs.Outputs`); None for a model that does not know it.
    foreground_class : ndarray, (H, W) uint8, or None
        The index of the most probable class but the background; None for a model without classes.

    Examples
    --------
    >>> maps = PredictedMaps(np.float32([[0.9, 0.2]]), foreground_class=np.uint8([[2, 1]]))
    >>> maps.classes
    array([[2, 0]], dtype=uint8)
    """

    probability: np.ndarray
    separation: np.ndarray | None = None
    foreground_class: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray | None:
        """The index of the class of each pixel, (H, W) uint8; None for a model without classes.

        A pixel is background where the probability of cell is at most one half; elsewhere it has the most probable other class.
        """
        return self.classes_above(0.5)

    def classes_above(self, threshold: float) -> np.ndarray | None:
        """As `classes`, with another threshold of the probability of cell.

        Parameters
        ----------
        threshold : float
            A pixel is cell where its probability is above it.

        Returns
        -------
        ndarray or None
            (H, W) uint8.

        Examples
        --------
        >>> maps = PredictedMaps(np.float32([[0.9, 0.2]]), foreground_class=np.uint8([[2, 1]]))
        >>> maps.classes_above(0.1)
        array([[2, 1]], dtype=uint8)
        """
        return (
            None
            if self.foreground_class is None
            else np.where(self.probability > threshold, self.foreground_class, np.uint8(0))
        )

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.probability)

    def rows(self, start: int, stop: int | None = None) -> PredictedMaps:
        """Some of the rows."""
        return PredictedMaps(*(None if part is None else part[start:stop] for part in self._parts()))  # type: ignore[arg-type]

    @classmethod
    def joined(cls, maps: Sequence[PredictedMaps]) -> PredictedMaps:
        """The maps of consecutive rows as one."""
        if len(maps) == 1:
            return maps[0]
        columns = zip(*(part._parts() for part in maps), strict=True)
        return cls(*(None if column[0] is None else np.concatenate(column) for column in columns))  # type: ignore[arg-type]

    def _parts(self) -> tuple[np.ndarray | None, ...]:
        return self.probability, self.separation, self.foreground_class

    @classmethod
    def of(cls, stacked: np.ndarray, outputs: Outputs) -> PredictedMaps:
        """The maps whose probabilities are stacked along the last axis.

        Parameters
        ----------
        stacked : ndarray, (H, W, M) float32
            The probability of cell; with a separation its map; with classes the probability of each.
        outputs : Outputs
        """
        separated = outputs.separation is not None
        return cls(
            np.ascontiguousarray(stacked[..., 0]),
            np.ascontiguousarray(stacked[..., 1]) if separated else None,
            (1 + stacked[..., 2 + separated :].argmax(axis=-1)).astype(np.uint8) if outputs.classes else None,
        )
