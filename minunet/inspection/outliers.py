"""Outliers: images that are much blurrier, lighter or darker than the others of their set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.inspection.image_measures import ImageMeasures

FEWEST = 8  # of fewer images none is unusual
FAR = 3.5  # modified z-score; B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", 1993
CUT_OFF = 0.2  # share of pixels that are black or white, above which an image may be under- or overexposed


@dataclass(frozen=True)
class Outlier:
    """An image that is unlike the others in one measure.

    Attributes
    ----------
    place : int
        Its place in the sequence that was judged.
    kind : str
        One of "blurred", "dark", "bright", "underexposed", "overexposed".
    value, median : float
        Its measure and the median of all: the width of outlines in pixels, mean grey, or the share that is cut off.
    """

    place: int
    kind: str
    value: float
    median: float

    def describe(self) -> str:
        """The two numbers, as part of a sentence."""
        if self.kind == "blurred":
            return f"outlines {self.value:.1f} pixels wide, in others {self.median:.1f}"
        if self.kind in ("dark", "bright"):
            return f"mean grey {self.value:.2f}, in others {self.median:.2f}"
        colour = "black" if self.kind == "underexposed" else "white"
        return f"{self.value:.0%} is {colour}, in others {self.median:.0%}"


def find_outliers(measures: Sequence[ImageMeasures]) -> list[Outlier]:
    """The outliers of a set, by kind, the worst of each first."""
    if len(measures) < FEWEST:
        return []
    widths = np.array([np.nan if one.edge_width is None else one.edge_width for one in measures])
    brightness = np.array([one.brightness for one in measures])
    black, white = (np.array([getattr(one, name) for one in measures]) for name in ("black_share", "white_share"))
    # The floors keep sets whose images are all alike from having outliers that nobody can see.
    return [
        *_judged("blurred", widths, _scores(np.log(widths), floor=0.1)),
        *_judged("dark", brightness, -_scores(brightness, floor=0.02)),
        *_judged("bright", brightness, _scores(brightness, floor=0.02)),
        *_judged("underexposed", black, np.where(black > CUT_OFF, _scores(black, floor=0.01), 0)),
        *_judged("overexposed", white, np.where(white > CUT_OFF, _scores(white, floor=0.01), 0)),
    ]


def _scores(values: np.ndarray, floor: float) -> np.ndarray:
    """Modified z-scores 0.6745 (x - median) / MAD, where the MAD is at least `floor`."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    distance = values - np.nanmedian(values)
    return 0.6745 * np.nan_to_num(distance) / max(float(np.nanmedian(np.abs(distance))), floor)


def _judged(kind: str, values: np.ndarray, scores: np.ndarray) -> list[Outlier]:
    far = [int(place) for place in np.argsort(-scores, kind="stable") if scores[place] > FAR]
    return [Outlier(place, kind, float(values[place]), float(np.nanmedian(values))) for place in far]
