"""The predicted maps: all that a network says of each pixel of an image, at the image's own size."""

from __future__ import annotations

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
    classes : ndarray, (H, W) uint8, or None
        The index of the most probable class; None for a model without classes.
    """

    probability: np.ndarray
    separation: np.ndarray | None = None
    classes: np.ndarray | None = None

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
            stacked[..., 1 + separated :].argmax(axis=-1).astype(np.uint8) if outputs.classes else None,
        )
