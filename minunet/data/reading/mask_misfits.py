"""Misfits: masks that cannot be read by a reading that was chosen for others, such as the masks of the training."""

from __future__ import annotations

from collections.abc import Sequence

from minunet.data.reading.chosen_classes import names_of, without_class
from minunet.data.reading.chosen_reading import choose_reading
from minunet.data.reading.level_shares import cell_levels, cell_share, ignored_levels
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.mask_values import in_words
from minunet.errors import UserError
from minunet.wording import percent


def misfits(counts: Sequence[MaskCounts], reading: MaskReading, names: Sequence[object] = ()) -> list[str]:
    """Why masks cannot be read by a reading that was chosen for others, a sentence for each reason.

    Parameters
    ----------
    counts : sequence of MaskCounts
    reading : MaskReading
    names : sequence, optional
        Of the masks, for messages.
    """
    try:
        levels = MaskLevels.of(counts)
    except UserError as error:
        return list(error.problems)
    in_colour = reading.form == "colours"
    if levels.in_colour and not in_colour:
        return [
            f"the model was trained on masks of numbers (cell is {in_words(reading.cells)}), and these hold colours "
            f"({levels.listed()}): say which of them are cell, with --cell."
        ]
    if in_colour and not levels.in_colour:
        levels = MaskLevels.of([mask.as_colours() for mask in counts])
    if reading.classes:
        return _without_class(levels, reading)
    if len(levels.values) < 2:  # masks without a cell, or of cell alone
        return []
    own = choose_reading(counts).reading
    share = cell_share(levels, reading)
    if share in (0.0, 1.0) or (own is not None and _opposite(levels, reading, own)):
        said = f" Their own shapes and values tell that cell is {in_words(own.cells)}." if own is not None else ""
        return [
            f"the masks do not fit the reading of the model (cell is {in_words(reading.cells)}): by it {percent(share)} of "
            f"their pixels are cell; they hold {levels.listed()}.{said} Say which values are cell, with --cell."
        ]
    return []


def _without_class(levels: MaskLevels, reading: MaskReading) -> list[str]:
    """The values that are no class of the model, nor ignored, nor the blurred edges between classes."""
    unknown = without_class(levels, reading.classes) & ~ignored_levels(levels, reading)
    if not unknown.any():
        return []
    known = ", ".join(f"{mask_class.name} {in_words(mask_class.values)}" for mask_class in reading.classes)
    return [
        f"the masks hold {levels.listed()}, of which {names_of(levels, unknown)} is no class of the model ({known}): say with "
        f"--classes which is which, such as --classes {reading.class_names[0]}=0,{reading.class_names[1]}=1, or leave values out "
        "with --ignore."
    ]


def _opposite(levels: MaskLevels, reading: MaskReading, own: MaskReading) -> bool:
    """Whether two readings call mostly opposite pixels cell."""
    first, second = cell_levels(levels, reading), cell_levels(levels, own)
    return bool(levels.pixels[first & second].sum() < 0.5 * levels.pixels[second].sum())
