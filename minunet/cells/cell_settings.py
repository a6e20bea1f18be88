"""Cell settings: how cells are cut out of a map of probabilities, the same for every image of a model.

They are chosen on the validation images at the end of a training, and stored in the header of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from minunet.errors import UserError
from minunet.files.json_files import is_finite_number
from minunet.wording import shorten

RANGES = {
    "threshold": (0.01, 0.99),
    "smoothing": (0.0, 1.0),
    "seed_height": (0.0, 1.0),
    "smallest_area": (0.0, 0.9),
    "learned": (0.0, 1.0),
}
ADDED = ("learned",)  # older versions do not store it


@dataclass(frozen=True)
class CellSettings:
    """The settings of `find_cells`. Lengths are relative to the cells of the image, so that they hold at any magnification.

    The defaults are those of models that store none: models of versions that did not know cells, and models that were trained
    without the packages for them.

    Parameters
    ----------
    threshold : float
        A pixel belongs to a cell where its probability is above it.
    smoothing : float
        Standard deviation of the Gaussian by which the distance to the background is smoothed, as a share of the radius of the
        median cell.
    seed_height : float
        A maximum of the distance is a cell of its own where one has to go down by this much to reach a higher one, as a share
        of the radius of the median cell.
    smallest_area : float
        Smaller pieces are no cells, as a share of the area of the median cell.
    learned : float
        The share of what the network has learned to separate cells by in the height whose maxima are the cells; the rest is the
        distance to the background. It has no effect for models that know only pixels.

    Raises
    ------
    UserError
        With every setting that can't be used.
    """

    threshold: float = 0.5
    smoothing: float = 0.1
    seed_height: float = 0.04
    smallest_area: float = 0.15
    learned: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not is_finite_number(value) or not low <= value <= high:
                problems.append(f"{name} {shorten(repr(value))}: give a number from {low:g} to {high:g}.")
        if problems:
            raise UserError(problems)

    def at_threshold(self, threshold: float | None) -> CellSettings:
        """The settings with the threshold nearest to this one that they can have; with their own for None."""
        low, high = RANGES["threshold"]
        return self if threshold is None else replace(self, threshold=min(max(threshold, low), high))

    def to_dict(self) -> dict[str, float]:
        """The settings, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> CellSettings:
        """The settings that `to_dict` returned.

        Raises
        ------
        UserError
            If one is missing, unknown to this version, or out of its range.
        """
        known = {field.name for field in fields(cls)}
        problems = []
        if unknown := sorted(set(stored) - known):
            problems.append(
                f"settings of cells that are unknown ({shorten(', '.join(unknown))}): they need a newer minunet."
            )
        if missing := sorted(known - set(stored) - set(ADDED)):
            problems.append(f"settings of cells without {', '.join(missing)}.")
        if problems:
            raise UserError(problems)
        return cls(**stored)


SEPARATED = CellSettings(smoothing=0.1, seed_height=0.25, learned=0.8)  # the defaults of models that separate cells
