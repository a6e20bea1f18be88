"""The reading of the masks of an evaluation: that of the training, which the model stores, or what the user says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from minunet.data.pair_statistics import PairStatistics
from minunet.data.reading.chosen_reading import ChosenReading, choose_reading
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_misfits import misfits
from minunet.data.reading.mask_reading import GREYS, NUMBERED, TWO_VALUES, MaskReading


def evaluation_reading(
    stored: MaskReading | None, statistics: Sequence[PairStatistics], choice: MaskChoice
) -> ChosenReading:
    """How the masks of an evaluation are read: as the flags say, or else as those of the training were.

    Parameters
    ----------
    stored : MaskReading or None
        The reading of the model; None for models of older versions, which read each mask by a threshold of its own.
    statistics : sequence of PairStatistics
    choice : MaskChoice

    Returns
    -------
    ChosenReading
        Without a reading where it is that of an older version; with problems where the masks do not fit the reading. Masks that
        number their cells are read by their numbers, also where those of the training only said what is cell.
    """
    counts = [pair.mask.counts for pair in statistics if pair.mask.counts is not None]
    names = [pair.mask.path for pair in statistics if pair.mask.counts is not None]
    if choice.cell is not None or choice.ignore is not None or choice.invert:
        return choose_reading(counts, choice, names)
    if stored is None or stored.kind in (TWO_VALUES, GREYS):
        own = choose_reading(counts, choice, names).reading if counts else None
        if own is not None and own.kind == NUMBERED:
            return ChosenReading(own)
    if stored is None:
        return ChosenReading()
    return ChosenReading(replace(stored, share=None, count=None), problems=tuple(misfits(counts, stored, names)))
