"""Class occurrence: how many masks show each class, and how much of them, from the counts of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.pair_statistics import PairStatistics
from minunet.data.pairs import Pair
from minunet.data.reading.class_index import class_of_values
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_reading import MaskReading
from minunet.wording import join_names


@dataclass(frozen=True)
class ClassOccurrence:
    """The occurrence of the classes in some masks.

    Attributes
    ----------
    names : tuple of str
    pixels : ndarray of int64, (K,)
        Of each class, in all masks.
    masks : ndarray of int64, (K,)
        That show the class.
    """

    names: tuple[str, ...]
    pixels: np.ndarray
    masks: np.ndarray

    @classmethod
    def of(cls, counts: Sequence[MaskCounts], reading: MaskReading) -> ClassOccurrence:
        """The occurrence in the masks of these counts, by a reading with classes."""
        pixels, masks = (np.zeros(len(reading.classes), np.int64) for _ in range(2))
        for mask in counts:
            own = np.zeros_like(pixels)
            mask = _in_the_form_of(reading, mask)
            index = class_of_values(
                mask.values, reading.classes, colours=reading.form == "colours", tolerance=reading.tolerance
            )
            np.add.at(own, index[index >= 0], mask.pixels[index >= 0])
            pixels += own
            masks += own > 0
        return cls(reading.class_names, pixels, masks)

    @classmethod
    def in_training(
        cls, statistics: Sequence[PairStatistics], training: Sequence[Pair], reading: MaskReading
    ) -> ClassOccurrence:
        """The occurrence in the masks of some of the pairs that were measured."""
        names = {pair.name for pair in training}
        counts = [
            measured.mask.counts
            for measured in statistics
            if measured.pair.name in names and measured.mask.counts is not None
        ]
        return cls.of(counts, reading)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each class in the pixels that have one."""
        total = max(1, int(self.pixels.sum()))
        return {name: float(count) / total for name, count in zip(self.names, self.pixels, strict=True)}


def absent_class_warnings(
    statistics: Sequence[PairStatistics], training: Sequence[Pair], reading: MaskReading
) -> list[str]:
    """A sentence on the classes that no training image shows, so that the network cannot learn them; none where there is none."""
    found = ClassOccurrence.in_training(statistics, training, reading)
    absent = [name for name, masks in zip(found.names, found.masks, strict=True) if not masks]
    if not absent:
        return []
    return [
        f"no training image shows {join_names(absent)}, which the network can therefore not learn: give more images, choose "
        "another --seed or --split, or put the class together with another one (white=2+3)."
    ]


def _in_the_form_of(reading: MaskReading, mask: MaskCounts) -> MaskCounts:
    if reading.form == "colours":
        return mask.as_colours()
    if mask.form != "colours":
        return mask
    channel = ("red", "green", "blue").index(reading.form) if reading.form in ("red", "green", "blue") else 0
    return mask.channel(channel)
