"""Mask limits: the best scores that any network can reach on some masks, computed only from the masks.

They matter for grey masks: black and white ones set no limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from minunet.inference.metrics import THRESHOLD


@dataclass(frozen=True)
class MaskLimits:
    """The best scores that the masks of some images allow.

    Attributes
    ----------
    loss_floor : float
        Mean entropy of the targets in nats; no prediction has a lower binary cross-entropy (Gibbs' inequality).
    keras_accuracy_ceiling : float
        Share of pixels whose target is exactly 0 or 1; Keras accuracy, which compares the rounded prediction with the target
        as it is, cannot be higher.
    keras_baseline : float
        Share of pixels whose target is exactly 0: the Keras accuracy of predicting background everywhere.
    foreground : float
        Share of pixels whose target is at least one half.
    """

    loss_floor: float
    keras_accuracy_ceiling: float
    keras_baseline: float
    foreground: float

    @classmethod
    def of(cls, targets: Iterable[np.ndarray]) -> MaskLimits:
        """The limits of masks in [0, 1], of any shapes.

        Raises
        ------
        ValueError
            If there are none.

        Examples
        --------
        >>> MaskLimits.of([np.array([0.0, 0.0, 0.5, 1.0])])
        MaskLimits(loss_floor=0.17328679513998632, keras_accuracy_ceiling=0.75, keras_baseline=0.5, foreground=0.5)
        """
        pixels = black_or_white = black = foreground = 0
        entropy = 0.0
        for target in targets:
            t = np.asarray(target, dtype=np.float64)
            t = t[t >= 0]  # without what is ignored
            grey = t[(t > 0) & (t < 1)]
            entropy -= float((grey * np.log(grey) + (1 - grey) * np.log1p(-grey)).sum())
            pixels += t.size
            black_or_white += t.size - grey.size
            black += int(np.count_nonzero(t == 0))
            foreground += int(np.count_nonzero(t >= THRESHOLD))
        if not pixels:
            raise ValueError("no targets were given, so there are no limits")
        return cls(entropy / pixels, black_or_white / pixels, black / pixels, foreground / pixels)
