"""Agreement: how far two counts of the same images are apart, by the analysis of Bland and Altman."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COVERING = 1.96  # standard deviations: 95 % of normally distributed differences


@dataclass(frozen=True)
class Agreement:
    """The differences of two counts.

    Attributes
    ----------
    means, differences : tuple of float
        Of each image: (a + b) / 2 and b - a.

    References
    ----------
    Bland, J. M. and Altman, D. G. (1986). Statistical methods for assessing agreement between two methods of clinical measurement.
    Lancet 327, 307-310.
    """

    means: tuple[float, ...]
    differences: tuple[float, ...]

    @classmethod
    def of(cls, a: Sequence[float], b: Sequence[float]) -> Agreement:
        """The agreement of two counts of the same images."""
        pairs = [*zip(a, b, strict=True)]
        return cls(tuple((one + other) / 2 for one, other in pairs), tuple(float(other - one) for one, other in pairs))

    @property
    def bias(self) -> float:
        """The mean difference, b - a."""
        return float(np.mean(self.differences))

    @property
    def limits(self) -> tuple[float, float] | None:
        """The limits of agreement, bias - 1.96 SD and bias + 1.96 SD; None for fewer than two images."""
        if len(self.differences) < 2:
            return None
        reach = COVERING * float(np.std(self.differences, ddof=1))
        return self.bias - reach, self.bias + reach
