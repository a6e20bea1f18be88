"""Mask rules: one plausible way to read a set of masks: which values are cell, background and ignored."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.mask_peaks import MaskPeaks

# A level that looks more like the background than any other by this much is the background; see `background`.
CLEAR = 0.3


@dataclass(frozen=True)
class MaskRule:
    """One way to read the masks of a set.

    Attributes
    ----------
    kind : str
        One of `minunet.data.reading.mask_reading.KINDS`.
    cells : str
        The values that are cell; see `minunet.data.reading.mask_values.MaskValues`.
    ignore : str or None
    notes : tuple of str
        What the user should know, each a sentence.
    others : tuple of MaskRule
        Other plausible readings, about which the user is to be asked.
    meaning : str
        The reading in words, for such a question.
    peaks : MaskPeaks or None
        Of grey masks.
    tolerance : float
    blurred : bool
        As in `MaskReading`.
    """

    kind: str
    cells: str
    ignore: str | None = None
    notes: tuple[str, ...] = ()
    others: tuple[MaskRule, ...] = ()
    meaning: str = ""
    peaks: MaskPeaks | None = None
    tolerance: float = 0.0
    blurred: bool = False

    def flags(self) -> str:
        """The rule as flags of the command line."""
        text = f"--cell {shlex.quote(self.cells)}"
        return text if self.ignore is None else f"{text} --ignore {shlex.quote(self.ignore)}"


def background_rules(levels: MaskLevels, kind: str, places: Sequence[int]) -> tuple[MaskRule, ...]:
    """For each of some levels the rule that it is background and all others are cell."""
    names = [levels.name(place) for place in places]
    return tuple(MaskRule(kind, f"not:{name}", meaning=f"{name} is background, all others are cell") for name in names)


def values_note(levels: MaskLevels, choice: str) -> tuple[str, ...]:
    """A note with the values of the masks, what was chosen, and the flags that choose otherwise."""
    return (
        f"the masks hold {levels.listed()}: {choice}; --cell and --ignore choose otherwise, and --classes keeps them apart.",
    )


def asked_rule(rules: tuple[MaskRule, ...]) -> MaskRule:
    """The first rule, about which the user is to be asked."""
    first, *others = rules
    return MaskRule(first.kind, first.cells, first.ignore, others=tuple(others), meaning=first.meaning)
