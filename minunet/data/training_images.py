"""Training images: how the images that a model was trained on look as a set, and how a new image differs from them.

It is stored in the model file, so that a model can say which images it knows nothing about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minunet.errors import UserError
from minunet.wording import shorten

if TYPE_CHECKING:
    from minunet.data.appearance import Appearance

FEWEST = 8  # images; the spread of fewer says too little
QUANTILES = (0.02, 0.5, 0.98)


class Spread(NamedTuple):
    """The values of a measure over a set of images: nearly the lowest (2 %), the median, nearly the highest (98 %)."""

    low: float
    median: float
    high: float


class _Measure(NamedTuple):
    """The limits of a measure, and how far an image may be below and above the training images without being unlike them."""

    least: float
    most: float
    below: float
    above: float


# Found on real smears; benchmarks/unlike.py counts the alarms, false ones too.
MEASURES = {
    "dark": _Measure(0, 1, math.inf, 0.15),
    "middle": _Measure(0, 1, 0.06, 0.3),
    "bright": _Measure(0, 1, 0.04, 0.3),
    "white_share": _Measure(0, 1, math.inf, 0.15),
    "balance": _Measure(0, 1, 0.1, 1),
    "sharpness": _Measure(-9, 9, 0.2, 0.4),
    "fine_sharpness": _Measure(-9, 9, 0.1, 0.4),
    "structure": _Measure(-9, 32, 0.25, 0.08),  # log2 of pixels: as factors 0.84 and 1.06
    "stain_red": _Measure(-1, 1, 0.07, 0.07),
    "stain_green": _Measure(-1, 1, 0.07, 0.07),
    "stain_blue": _Measure(-1, 1, 0.07, 0.07),
    "light_red": _Measure(0, 1, 0.03, 0.03),
    "light_green": _Measure(0, 1, 0.03, 0.03),
    "light_blue": _Measure(0, 1, 0.03, 0.03),
    "cell_diameter": _Measure(0, 1e6, math.inf, math.inf),  # of the masks; for people, and for --size
}


@dataclass(frozen=True)
class TrainingImages:
    """The spread of each measure over the training images.

    Attributes
    ----------
    count : int
        How many images there are.
    spreads : mapping of str to Spread
        By the names of `MEASURES`; measures that no image has, such as colours of grey images, are missing.
    """

    count: int
    spreads: Mapping[str, Spread]

    @classmethod
    def of(cls, appearances: Sequence[Appearance], diameters: Sequence[float] = ()) -> TrainingImages:
        """The spread over images.

        Parameters
        ----------
        appearances : sequence of Appearance
        diameters : sequence of float
            Of the cells in the masks, in pixels of the network's input; 0 where there are none.
        """
        values: dict[str, list[float]] = {}
        for appearance in appearances:
            for name, value in _measured(appearance).items():
                values.setdefault(name, []).append(value)
        if len(values.get("fine_sharpness", ())) < len(appearances):  # some images are too small for it
            values.pop("fine_sharpness", None)
        values["cell_diameter"] = [diameter for diameter in diameters if diameter > 0]
        return cls(
            len(appearances),
            {name: Spread(*map(float, np.quantile(list_, QUANTILES))) for name, list_ in values.items() if list_},
        )

    @property
    def cell_diameter(self) -> float:
        """Of a typical cell, in pixels of the network's input, by the masks; 0 where they hold no cell."""
        return self.spreads["cell_diameter"].median if "cell_diameter" in self.spreads else 0.0

    def unlike(self, appearance: Appearance) -> list[str]:
        """How an image differs from the training images, a sentence for each kind of difference; empty where it does not."""
        if self.count < FEWEST:
            return []
        if not appearance.has_contrast:
            return ["it has no contrast: all of it has one tone."]
        found = self._outside(appearance)
        sentences = []
        if found.get("balance", 0) < 0:
            sentences.append("most of it is dark, unlike in the training images (a negative, or filled by cells?).")
        else:
            sentences += self._tones(appearance, found)
        overexposed = found.get("white_share", 0) > 0
        sharper = [found[name] for name in ("sharpness", "fine_sharpness") if name in found]
        if sharper:
            blurred = min(sharper) < 0
            sentences.append(
                "it is out of focus, or was enlarged: less sharp than the training images."
                if blurred
                else "it has more fine detail or noise than the training images."
            )
        if "structure" in found:
            factor = 2 ** (_measured(appearance)["structure"] - self.spreads["structure"].median)
            sentences.append(
                f"what is in it is {_times(factor)} as in the training images "
                "(another magnification, or another size in pixels?)."
            )
        if overexposed:  # what is cut off at white has no colour
            return sentences
        if any(name.startswith("stain") for name in found):
            sentences.append("its cells have another colour than those of the training images (another stain?).")
        if any(name.startswith("light") for name in found):
            sentences.append("its background has another colour than that of the training images (another lamp?).")
        return sentences

    def to_dict(self) -> dict[str, Any]:
        """The spreads, for a JSON file."""
        return {"count": self.count, "measures": {name: list(spread) for name, spread in self.spreads.items()}}

    @classmethod
    def from_dict(cls, stored: Any) -> TrainingImages:
        """What `to_dict` returned.

        Raises
        ------
        UserError
            If an entry is missing, unknown, of another type or out of range.
        """
        if not isinstance(stored, dict) or set(stored) != {"count", "measures"}:
            raise UserError("the statistics of the training images are not a count and measures.")
        count, measures = stored["count"], stored["measures"]
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count < 2**53:
            raise UserError(f"the number of training images is {shorten(count)}.")
        if not isinstance(measures, dict):
            raise UserError("the measures of the training images are not an object.")
        for name, spread in measures.items():
            if name not in MEASURES:
                raise UserError(f"{shorten(name)} is no measure of the training images.")
            if not _is_spread(spread, MEASURES[name]):
                raise UserError(f"the measure {name} of the training images is {shorten(spread)}.")
        return cls(count, {name: Spread(*map(float, spread)) for name, spread in measures.items()})

    def _tones(self, appearance: Appearance, found: Mapping[str, float]) -> list[str]:
        if found.get("bright", 0) < 0 or found.get("middle", 0) < 0:
            return [
                f"it is darker than the training images (bright tones {appearance.bright:.2f}, there {self._range('bright')}; "
                "white is 1)."
            ]
        if found.get("white_share", 0) > 0:
            return [
                f"it is overexposed: {appearance.white_share:.0%} of its pixels are white "
                f"(training images: up to {self.spreads['white_share'].high:.0%})."
            ]
        if any(found.get(name, 0) > 0 for name in ("dark", "middle", "bright")):
            return [
                f"it is brighter than the training images (dark tones {appearance.dark:.2f}, there {self._range('dark')}; "
                "white is 1)."
            ]
        return []

    def _range(self, name: str) -> str:
        spread = self.spreads[name]
        return f"{spread.low:.2f} to {spread.high:.2f}"

    def _outside(self, appearance: Appearance) -> dict[str, float]:
        """The measures that are outside of what is allowed, and by how much: below 0 where the image is below the spread."""
        found = {}
        for name, value in _measured(appearance).items():
            spread, measure = self.spreads.get(name), MEASURES[name]
            if spread is None:
                continue
            unsure = (spread.high - spread.low) / math.sqrt(self.count)  # few images say less about their spread
            if value < spread.low - measure.below - unsure:
                found[name] = value - spread.low
            elif value > spread.high + measure.above + unsure:
                found[name] = value - spread.high
        return found


def _measured(appearance: Appearance) -> dict[str, float]:
    """The measures that an image has, by the names of `MEASURES`."""
    values: dict[str, float | None] = {
        name: getattr(appearance, name)
        for name in ("dark", "middle", "bright", "white_share", "balance", "sharpness", "fine_sharpness")
    }
    values["structure"] = None if not appearance.structure else math.log2(appearance.structure)
    for name in ("stain", "light"):
        colour = getattr(appearance, name)
        if colour is not None:
            values |= {f"{name}_{part}": share for part, share in zip(("red", "green", "blue"), colour, strict=True)}
    return {name: value for name, value in values.items() if value is not None}


def _times(factor: float) -> str:
    return f"{factor:.1f} times as large" if factor > 1 else f"{1 / factor:.1f} times as small"


def _is_spread(value: Any, measure: _Measure) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(QUANTILES)
        and all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in value)
        and measure.least <= value[0] <= value[1] <= value[2] <= measure.most
    )
