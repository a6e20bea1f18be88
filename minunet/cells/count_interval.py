"""The count interval: between which numbers the true count of cells of an image lies in nine of ten cases.

It is calibrated on validation images by split conformal prediction, which assumes nothing about the errors except that new images
are like the validation images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.wording import shorten

COVERAGE = 0.9
FEWEST = math.ceil(COVERAGE / (1 - COVERAGE) - 1e-9)  # images: with fewer, no finite interval has this coverage


@dataclass(frozen=True)
class CountInterval:
    """The interval is the count, plus and minus a share of it.

    Parameters
    ----------
    error : float
        The share.
    images : int
        The number of validation images that it was calibrated on.

    Raises
    ------
    UserError
        If they are no such numbers.
    """

    error: float
    images: int

    def __post_init__(self) -> None:
        problems = []
        if not is_finite_number(self.error) or self.error < 0:
            problems.append(f"error {shorten(repr(self.error))} of the count: give a number of at least 0.")
        if not isinstance(self.images, int) or isinstance(self.images, bool) or self.images < FEWEST:
            problems.append(f"images {shorten(repr(self.images))}: give a whole number of at least {FEWEST}.")
        if problems:
            raise UserError(problems)

    @classmethod
    def calibrate(cls, true: Sequence[int], predicted: Sequence[int]) -> CountInterval | None:
        """The interval for the errors of some images; None where they are too few.

        The error is the k-th smallest of the n relative errors |true - predicted| / max(predicted, 1), k = ceil(0.9 (n + 1)): then
        the interval of one more image covers its true count with a probability of at least 0.9 [1]_.

        Parameters
        ----------
        true, predicted : sequence of int
            The counts of each image.

        References
        ----------
        .. [1] Lei, J. et al. (2018). Distribution-free predictive inference for regression. J. Am. Stat. Assoc. 113, theorem 2.
        """
        errors = sorted(abs(t - p) / max(p, 1) for t, p in zip(true, predicted, strict=True))
        rank = math.ceil(COVERAGE * (len(errors) + 1) - 1e-9)
        return cls(errors[rank - 1], len(errors)) if rank <= len(errors) else None

    def of(self, count: int) -> tuple[int, int]:
        """The smallest and the largest count in the interval around `count`."""
        reach = self.error * max(count, 1) + 1e-9
        return max(0, math.ceil(count - reach)), math.floor(count + reach)

    def to_dict(self) -> dict[str, float]:
        """The two numbers, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> CountInterval:
        """The interval that `to_dict` returned.

        Raises
        ------
        UserError
            If one of its entries is missing, unknown or no such number.
        """
        known = {field.name for field in fields(cls)}
        if set(stored) != known:
            raise UserError(
                f"an interval of the count with the entries {shorten(', '.join(stored))}: it has error and images."
            )
        return cls(**stored)
