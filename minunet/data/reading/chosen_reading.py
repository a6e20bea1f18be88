"""Chosen readings: the reading of a set of masks, chosen from their counts and from what the user says of them.

It is chosen once for the whole set. Where two readings are plausible, or one cannot be right, that is a problem with its remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minunet.data.reading.chosen_classes import chosen_classes
from minunet.data.reading.chosen_rule import chosen_rule
from minunet.data.reading.level_shares import cell_levels, cell_share, white_value
from minunet.data.reading.mask_choice import NOTHING_SAID, MaskChoice
from minunet.data.reading.mask_classes import ClassRequest
from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.mask_reading import COLOURS, NUMBERED, MaskReading
from minunet.data.reading.mask_rule import MaskRule
from minunet.data.reading.mask_values import MaskValues
from minunet.data.reading.reading_problems import (
    ambiguity_problem,
    opposed_mask_notes,
    reading_problems,
    single_value_problem,
)
from minunet.errors import UserError


@dataclass(frozen=True)
class ChosenReading:
    """The reading of a set of masks.

    Attributes
    ----------
    reading : MaskReading or None
        None where there is a problem.
    notes : tuple of str
        What the user should know, each a sentence.
    problems : tuple of str
        Why the masks cannot be read so, each a sentence with its remedy.
    """

    reading: MaskReading | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def choose_reading(
    counts: Sequence[MaskCounts], choice: MaskChoice = NOTHING_SAID, names: Sequence[object] = ()
) -> ChosenReading:
    """Choose the reading of a set of masks.

    Parameters
    ----------
    counts : sequence of MaskCounts
        Of at least one mask.
    choice : MaskChoice
    names : sequence, optional
        Of the masks, for messages.

    Returns
    -------
    ChosenReading
    """
    if choice.classes is not None:
        return _with_classes(counts, choice)
    try:
        if any(MaskValues(text).has_colours for text in (choice.cell, choice.ignore) if text is not None):
            counts = [mask.as_colours() if mask.form == "indices" else mask for mask in counts]
        levels = MaskLevels.of(counts)
        left = _without_ignored(levels, choice)
        if len(left.values) < 2 and choice.cell is None:
            return ChosenReading(problems=(single_value_problem(levels, left),))
        rule = chosen_rule(left, choice)
        if rule.others and choice.ignore is not None:  # the question is which values are cell
            rule = replace(rule, ignore=None, others=tuple(replace(other, ignore=None) for other in rule.others))
    except UserError as error:
        return ChosenReading(problems=tuple(error.problems))
    if rule.others:
        return ChosenReading(problems=(ambiguity_problem(levels, rule, choice),))
    reading = _reading(levels, rule, choice)
    problems = reading_problems(levels, reading, choice)
    notes = (*rule.notes, *opposed_mask_notes(levels, rule, names))
    return ChosenReading(None if problems else reading, notes, tuple(problems))


def _with_classes(counts: Sequence[MaskCounts], choice: MaskChoice) -> ChosenReading:
    """The reading of masks whose classes the user names."""
    try:
        request = ClassRequest.of(choice.classes or "")
        if request.has_colours or (choice.ignore is not None and MaskValues(choice.ignore).has_colours):
            counts = [mask.as_colours() if mask.form == "indices" else mask for mask in counts]
        if all(mask.is_numbered for mask in counts):
            raise UserError(
                "--classes: the masks are single cells or outlines, which number the cells and have no classes; leave it out."
            )
        levels = MaskLevels.of(counts, as_colours=request.has_colours)
        left = _without_ignored(levels, choice)
        if len(left.values) < 2:
            return ChosenReading(problems=(single_value_problem(levels, left),))
        reading, notes = chosen_classes(left, request, choice)
    except UserError as error:
        return ChosenReading(problems=tuple(error.problems))
    return ChosenReading(reading, notes)


def _without_ignored(levels: MaskLevels, choice: MaskChoice) -> MaskLevels:
    if choice.ignore is None:
        return levels
    ignored = MaskValues(choice.ignore).chosen(levels.values, colours=levels.in_colour)
    if ignored.all():
        raise UserError(
            f"--ignore {choice.ignore}: the masks hold nothing else ({levels.listed()}); ignore fewer values."
        )
    return levels.only(~ignored)


def _reading(levels: MaskLevels, rule: MaskRule, choice: MaskChoice) -> MaskReading:
    ignore = choice.ignore if choice.ignore is not None else rule.ignore
    reading = MaskReading(
        rule.kind,
        rule.cells,
        ignore,
        form=levels.form,
        bits=levels.bits,
        white=white_value(levels),
        tolerance=rule.tolerance,
        blurred=rule.blurred,
    )
    cell = cell_levels(levels, reading)
    numbered = rule.kind == NUMBERED or (
        rule.kind == COLOURS and not rule.tolerance and _one_colour_a_cell(levels, cell)
    )
    count = int(levels.masks[cell].sum()) if numbered and not rule.blurred else None
    return replace(reading, numbered=numbered, count=count, share=cell_share(levels, reading))


def _one_colour_a_cell(levels: MaskLevels, cell: np.ndarray) -> bool:
    solid = cell & (levels.flat > 0)
    return levels.numbers_cells(solid) and int(np.count_nonzero(solid)) > 2
