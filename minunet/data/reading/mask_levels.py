"""Mask levels: the values of all masks of a set together, each with its share, its place at the borders and its shape.

They are summed from the counts of the single masks; the reading of the set is chosen from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_values import written
from minunet.wording import percent

SINGLE = 0.7  # of the regions of a value, at least this share is one connected region where values number cells
THIN = 0.25  # a level with fewer flat squares than this share of its pixels is an edge
MOST_LISTED = 10  # levels named in a sentence


@dataclass(frozen=True, eq=False)
class MaskLevels:
    """The values of a set of masks, in ascending order.

    Attributes
    ----------
    form : "numbers", "indices", "colours", "red", "green" or "blue"
        What the values are; the last three are numbers in one channel of colours.
    values : ndarray
    pixels, frame, flat : ndarray of int64
        As in `MaskCounts`, summed over the masks.
    masks : ndarray of int64
        The number of masks that each value occurs in.
    single : ndarray of int64
        The number of masks in which the value is one connected region without holes.
    white : float
        The value of white.
    bits : int
        Of a value as it is stored.
    counts : tuple of MaskCounts
        Of the single masks, with the same form.
    """

    form: str
    values: np.ndarray
    pixels: np.ndarray
    frame: np.ndarray
    flat: np.ndarray
    masks: np.ndarray
    single: np.ndarray
    white: float
    bits: int
    counts: tuple[MaskCounts, ...]

    @classmethod
    def of(cls, counts: Sequence[MaskCounts], *, as_colours: bool = False) -> MaskLevels:
        """The levels of a set of masks.

        Parameters
        ----------
        counts : sequence of MaskCounts
        as_colours : bool
            Whether colours that use one channel only stay colours, and are not read as numbers in it.

        Raises
        ------
        UserError
            If some masks hold colours, and others numbers that are none.
        """
        form, counts = _same_form(counts, as_colours)
        values, places = np.unique(np.concatenate([mask.values for mask in counts]), return_inverse=True)

        def total(parts: Sequence[np.ndarray]) -> np.ndarray:
            return np.bincount(places, weights=np.concatenate(parts), minlength=len(values)).astype(np.int64)

        return cls(
            form,
            values,
            total([mask.pixels for mask in counts]),
            total([mask.frame for mask in counts]),
            total([mask.flat for mask in counts]),
            np.bincount(places, minlength=len(values)),
            total([np.abs(mask.objects - 1) < 0.25 for mask in counts]),
            max(mask.white for mask in counts),
            max(mask.bits for mask in counts),
            tuple(counts),
        )

    @cached_property
    def neighbours(self) -> np.ndarray | None:
        """As in `MaskCounts`, summed over the masks; None where a mask has very many values."""
        places = {value: place for place, value in enumerate(self.values.tolist())}
        total = np.zeros((len(places), len(places)), np.int64)
        for mask in self.counts:
            if mask.neighbours is None:
                return None
            kept = [place for place, value in enumerate(mask.values.tolist()) if value in places]
            own = np.array([places[value] for value in mask.values[kept].tolist()], np.int64)
            total[np.ix_(own, own)] += mask.neighbours[np.ix_(kept, kept)]
        return total

    def only(self, chosen: np.ndarray) -> MaskLevels:
        """Some of the levels."""
        parts = {name: getattr(self, name)[chosen] for name in ("values", "pixels", "frame", "flat", "masks", "single")}
        return replace(self, **parts)

    @property
    def in_colour(self) -> bool:
        """Whether the values are colours."""
        return self.form == "colours"

    @cached_property
    def shares(self) -> np.ndarray:
        """The share of all pixels of each value."""
        return np.asarray(self.pixels / self.pixels.sum())

    @cached_property
    def frame_shares(self) -> np.ndarray:
        """The share of the pixels at the borders of each value."""
        return np.asarray(self.frame / max(1, self.frame.sum()))

    @cached_property
    def flatness(self) -> np.ndarray:
        """Flat squares of each value as a share of its pixels."""
        return np.asarray(self.flat / self.pixels)

    def background(self) -> np.ndarray:
        """How much each value looks like the background: its share of all pixels and its share of the borders, 0 to 2."""
        return np.asarray(self.shares + self.frame_shares)

    def numbers_cells(self, cell: np.ndarray) -> bool:
        """Whether the chosen values are each one connected region in nearly every mask, and several of them in a mask."""
        regions, single = int(self.masks[cell].sum()), int(self.single[cell].sum())
        masks = sum(bool(np.isin(mask.values, self.values[cell]).any()) for mask in self.counts)
        if all(mask.is_numbered for mask in self.counts):
            return True
        return regions > masks > 0 and single >= SINGLE * regions and int(np.count_nonzero(cell)) > 1

    def listed(self) -> str:
        """The levels with their shares, for a sentence: "0 (71.2 %), 128 (3.1 %), 255 (25.7 %)"."""
        order = np.sort(np.argsort(-self.pixels, kind="stable")[:MOST_LISTED])
        parts = [f"{self.name(index)} ({percent(self.shares[index])})" for index in order]
        more = f" and {len(self.values) - MOST_LISTED:,} more" if len(self.values) > MOST_LISTED else ""
        return ", ".join(parts) + more

    def name(self, index: int) -> str:
        """A value as it is typed."""
        return written(self.values[index], colours=self.in_colour)


def _same_form(counts: Sequence[MaskCounts], as_colours: bool) -> tuple[str, list[MaskCounts]]:
    """The form of all masks of a set, and their counts in it."""
    if all(mask.form == "numbers" for mask in counts):
        return "numbers", list(counts)
    if all(mask.form == "indices" for mask in counts):
        return "indices", list(counts)
    if all(mask.is_grey for mask in counts):  # greys that some files store in three channels
        return "numbers", [mask if mask.form == "numbers" else mask.channel(0) for mask in counts]
    coloured = [mask for mask in counts if mask.form == "colours"]
    if len(coloured) == len(counts) and not as_colours:
        for shift, channel in ((16, "red"), (8, "green"), (0, "blue")):
            if all(not (mask.values & ~np.uint32(255 << shift)).any() for mask in counts):
                return channel, [mask.channel((16 - shift) // 8) for mask in counts]
    return "colours", [mask.as_colours() for mask in counts]
