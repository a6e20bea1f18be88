"""Bounds: what a set of masks allows any network to score, which the masks alone decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from minunet.inference.metrics import limits


@dataclass(frozen=True)
class Bounds:
    """What the masks of some images allow.

    Attributes
    ----------
    floor : float
        Mean entropy of the targets in nats; no prediction has a lower binary cross-entropy (Gibbs' inequality).
    ceiling : float
        Share of pixels whose target is exactly 0 or 1; Keras accuracy, which compares the rounded prediction with the target
        as it is, cannot pass it.
    background : float
        Share of pixels whose target is exactly 0: the Keras accuracy of calling everything background.
    cells : float
        Share of pixels whose target is at least one half.
    """

    floor: float
    ceiling: float
    background: float
    cells: float

    @classmethod
    def of(cls, targets: Sequence[np.ndarray]) -> Bounds:
        """The bounds of targets in [0, 1], of any shapes.

        Examples
        --------
        >>> Bounds.of([np.array([0.0, 0.0, 0.5, 1.0])])
        Bounds(floor=0.17328679513998632, ceiling=0.75, background=0.5, cells=0.5)
        """
        known = limits(targets)
        black = sum(int(np.count_nonzero(target == 0)) for target in targets)
        return cls(
            floor=known["loss_floor"],
            ceiling=known["keras_accuracy_ceiling"],
            background=black / sum(target.size for target in targets),
            cells=known["foreground"],
        )

    def to_dict(self) -> dict[str, float]:
        """For a JSON file."""
        return asdict(self)
