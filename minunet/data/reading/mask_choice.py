"""The choice of the reading of a set of masks: from their counts, and from what the user says of them.

It is made once for the whole set. Where two readings are plausible, or one cannot be right, that is a problem with its remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minunet.data.reading.mask_counts import MaskCounts
from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.mask_reading import (
    COLOURS,
    GREYS,
    LEVELS,
    NUMBERED,
    TWO_VALUES,
    MaskReading,
    are_near,
    in_words,
)
from minunet.data.reading.mask_rules import CLASS_NUMBERS, MaskRule, default_rule
from minunet.data.reading.mask_sides import MaskSides
from minunet.data.reading.mask_values import MaskValues, written
from minunet.errors import UserError
from minunet.wording import count_noun, join_names, percent

COMMAND = "python -m minunet.train DATA"


@dataclass(frozen=True)
class MaskChoice:
    """What the user says of the masks, as the flags say it.

    Parameters
    ----------
    cell, ignore : str or None
        Values as `minunet.data.reading.mask_values.MaskValues` takes them; None leaves the choice to the masks.
    invert : bool
        Whether cells are dark on a light background.
    threshold : "otsu" or float
        A fraction of white: values above it are cell. "otsu" leaves the choice to the masks.
    command : str
        The command without these flags, for messages that say what to type.
    grayscale : bool
        Whether greys are kept, so that levels of grey are no question.
    """

    cell: str | None = None
    ignore: str | None = None
    invert: bool = False
    threshold: str | float = "otsu"
    command: str = COMMAND
    grayscale: bool = False


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
    counts: Sequence[MaskCounts], choice: MaskChoice = MaskChoice(), names: Sequence[object] = ()
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
    try:
        if any(MaskValues(text).has_colours for text in (choice.cell, choice.ignore) if text is not None):
            counts = [mask.as_colours() if mask.form == "indices" else mask for mask in counts]
        levels = MaskLevels.of(counts)
        left = _without_ignored(levels, choice)
        if len(left.values) < 2 and choice.cell is None:
            return ChosenReading(problems=(_one_level(levels, left),))
        rule = _rule(left, choice)
        if rule.others and choice.ignore is not None:  # the question is which values are cell
            rule = replace(rule, ignore=None, others=tuple(replace(other, ignore=None) for other in rule.others))
    except UserError as error:
        return ChosenReading(problems=tuple(error.problems))
    if rule.others:
        return ChosenReading(problems=(_question(levels, rule, choice),))
    reading = _reading(levels, rule, choice)
    problems = _problems(levels, reading, choice)
    notes = (*rule.notes, *_opposed(levels, rule, names))
    return ChosenReading(None if problems else reading, notes, tuple(problems))


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
    if len(levels.values) < 2:  # masks without a cell, or of cell alone
        return []
    own = choose_reading(counts).reading
    share = _share(levels, reading)
    if share in (0.0, 1.0) or (own is not None and _opposite(levels, reading, own)):
        said = f" Their own shapes and values tell that cell is {in_words(own.cells)}." if own is not None else ""
        return [
            f"the masks do not fit the reading of the model (cell is {in_words(reading.cells)}): by it {percent(share)} of "
            f"their pixels are cell; they hold {levels.listed()}.{said} Say which values are cell, with --cell."
        ]
    return []


def _rule(levels: MaskLevels, choice: MaskChoice) -> MaskRule:
    """The rule that the user's choice and the masks give together."""
    if len(levels.values) < 2:
        rule = MaskRule(COLOURS if levels.in_colour else TWO_VALUES, "")
    else:
        rule = default_rule(levels)
    if choice.grayscale and rule.kind == LEVELS and levels.form == "numbers" and levels.values[-1] > CLASS_NUMBERS:
        rule = MaskRule(GREYS, f">{written(_white(levels) / 2)}")
    if choice.cell is not None:
        return replace(
            rule, cells=_fitted(choice.cell, rule), ignore=None, notes=(), others=(), kind=_kind(levels, rule)
        )
    if choice.threshold != "otsu":
        return _cut(levels, rule, choice)
    if choice.invert:
        return _inverted(levels, rule)
    return rule


def _kind(levels: MaskLevels, rule: MaskRule) -> str:
    return LEVELS if rule.others and not levels.in_colour else rule.kind


def _fitted(cell: str, rule: MaskRule) -> str:
    """The values of --cell; of greys between two peaks the values of one peak mean all that are nearer to it."""
    chosen = MaskValues(cell)
    if rule.peaks is None or not (chosen.numbers() or chosen.colours()):
        return cell
    dark, light = chosen.chosen(np.array([rule.peaks.dark, rule.peaks.light]))
    if dark == light:
        return cell
    cut = written(rule.peaks.cut)
    return f">{cut}" if light else f"<={cut}"


def _cut(levels: MaskLevels, rule: MaskRule, choice: MaskChoice) -> MaskRule:
    if levels.in_colour:
        raise UserError(
            f"--threshold {choice.threshold:g}: the masks hold colours ({levels.listed()}), which have no threshold; name the "
            "cells or the background with --cell."
        )
    if len(levels.values) == 2:
        return MaskRule(TWO_VALUES, levels.name(1))
    cells = f">{written(float(choice.threshold) * _white(levels))}"
    return replace(rule, cells=cells, ignore=None, notes=(), others=(), kind=_kind(levels, rule))


def _inverted(levels: MaskLevels, rule: MaskRule) -> MaskRule:
    if rule.others:
        return rule
    if rule.kind == TWO_VALUES:
        return replace(rule, cells=levels.name(0), notes=())
    if rule.kind == GREYS:
        return replace(rule, cells=f"<={rule.cells.lstrip('<=>')}", notes=())
    text = rule.cells[4:] if rule.cells.startswith("not:") else f"not:{rule.cells}"
    return replace(rule, cells=text, notes=())


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
        white=_white(levels),
        tolerance=rule.tolerance,
        blurred=rule.blurred,
    )
    cell = _cell(levels, reading)
    numbered = rule.kind == NUMBERED or (
        rule.kind == COLOURS and not rule.tolerance and _one_colour_a_cell(levels, cell)
    )
    count = int(levels.masks[cell].sum()) if numbered and not rule.blurred else None
    return replace(reading, numbered=numbered, count=count, share=_share(levels, reading))


def _white(levels: MaskLevels) -> float:
    """The value of white: 1 in masks of 0 and 1, and in floats that of the integers they would fit into."""
    highest = float(levels.values[-1])
    if levels.in_colour or levels.form == "indices":
        return levels.white
    if highest <= 1:
        return 1.0
    return (
        next((white for white in (255.0, 65535.0) if highest <= white), highest) if levels.white == 1 else levels.white
    )


def _one_colour_a_cell(levels: MaskLevels, cell: np.ndarray) -> bool:
    solid = cell & (levels.flat > 0)
    return levels.numbers_cells(solid) and int(np.count_nonzero(solid)) > 2


def _cell(levels: MaskLevels, reading: MaskReading) -> np.ndarray:
    """Which levels are cell and not ignored."""
    chosen = MaskValues(reading.cells)
    if reading.tolerance:
        cell = are_near(levels.values, chosen, reading.tolerance)
    else:
        cell = chosen.chosen(levels.values, colours=levels.in_colour)
    return cell & ~_ignored(levels, reading)


def _ignored(levels: MaskLevels, reading: MaskReading) -> np.ndarray:
    if reading.ignore is None:
        return np.zeros(len(levels.values), bool)
    return MaskValues(reading.ignore).chosen(levels.values, colours=levels.in_colour)


def _share(levels: MaskLevels, reading: MaskReading) -> float:
    """The share of the counted pixels that is cell."""
    counted = int(levels.pixels[~_ignored(levels, reading)].sum())
    cell = levels.pixels * _cell(levels, reading)
    if reading.blurred:  # on a blurred edge half of the pixels are cell
        cell = np.where(levels.flatness < THIN, cell / 2, cell)
    return float(cell.sum() / counted) if counted else 0.0


def _problems(levels: MaskLevels, reading: MaskReading, choice: MaskChoice) -> list[str]:
    said = f"--cell {choice.cell}: " if choice.cell is not None else ""
    cell = _cell(levels, reading)
    if not cell.any():
        return [
            f"{said}no pixel of the {count_noun(len(levels.counts), 'mask')} would be cell ({in_words(reading.cells)}); they "
            f"hold {levels.listed()}: say which values are cell, with --cell."
        ]
    if reading.share == 1:
        return [
            f"{said}every pixel of the {count_noun(len(levels.counts), 'mask')} would be cell ({in_words(reading.cells)}); they "
            f"hold {levels.listed()}: say which values are cell, with --cell."
        ]
    if choice.threshold != "otsu" and choice.cell is None and reading.kind in (NUMBERED, LEVELS):
        labelled = (levels.values > 0) & ~_ignored(levels, reading)
        lost = labelled & ~cell
        if lost.any():
            share = levels.pixels[lost].sum() / levels.pixels[labelled].sum()
            top = written(levels.values[lost].max())
            return [
                f"--threshold {choice.threshold:g} would make {percent(share)} of the labelled pixels background, the values up to "
                f"{top}: the masks hold numbers ({levels.listed()}); leave the flag out, or choose values with --cell, such as "
                "--cell '>0'."
            ]
    return []


def _one_level(levels: MaskLevels, left: MaskLevels) -> str:
    masks = count_noun(len(levels.counts), "mask")
    name = left.name(0)
    extent = "no pixel is cell" if left.values[0] == 0 else "every pixel is cell, or none"
    beside = "" if len(levels.values) == len(left.values) else " beside what is ignored"
    return (
        f"the {masks} hold one value only, {name}{beside}, so that {extent}: check that the files are the right masks, and that "
        "they are not cut or rounded when they are exported."
    )


def _question(levels: MaskLevels, rule: MaskRule, choice: MaskChoice) -> str:
    """Which of several readings is meant, with the command for each."""
    ignore = "" if choice.ignore is None else f" --ignore {choice.ignore}"
    options = [
        f"({letter}) {option.meaning}: {choice.command} {option.flags()}{ignore}"
        for letter, option in zip("abc", (rule, *rule.others), strict=False)
    ]
    return (
        f"the masks can be read in {len(options)} ways; they hold {levels.listed()}. Choose one: "
        + "; ".join(options)
        + "."
    )


def _opposed(levels: MaskLevels, rule: MaskRule, names: Sequence[object]) -> tuple[str, ...]:
    if rule.kind not in (TWO_VALUES, GREYS) or levels.in_colour:
        return ()
    cut = rule.peaks.cut if rule.peaks else float(levels.values[0] + levels.values[-1]) / 2
    places = MaskSides.of(levels.counts, cut).opposed
    if not places:
        return ()
    listed = f" ({join_names(names[place] for place in places)})" if names else ""
    return (
        f"{count_noun(len(places), 'mask')} of {len(levels.counts)} look as if cell and background were the other way round"
        f"{listed}: all are read alike, so check them.",
    )


def _opposite(levels: MaskLevels, reading: MaskReading, own: MaskReading) -> bool:
    """Whether two readings call mostly opposite pixels cell."""
    first, second = _cell(levels, reading), _cell(levels, own)
    return bool(levels.pixels[first & second].sum() < 0.5 * levels.pixels[second].sum())
