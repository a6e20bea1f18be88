"""Reading problems: what is wrong with a reading of masks, or not certain, in sentences with their remedies."""

from __future__ import annotations

from collections.abc import Sequence

from minunet.data.reading.level_shares import cell_levels, ignored_levels
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.mask_reading import GREYS, LEVELS, NUMBERED, TWO_VALUES, MaskReading
from minunet.data.reading.mask_rule import MaskRule
from minunet.data.reading.mask_sides import MaskSides
from minunet.data.reading.mask_values import in_words, written
from minunet.wording import count_noun, join_names, percent

MOST_NAMED = 6  # values for each of which a class is named in the suggestion of a command


def reading_problems(levels: MaskLevels, reading: MaskReading, choice: MaskChoice) -> list[str]:
    """Why a reading cannot be right: all pixels would be cell, or none, or a threshold would drop labelled pixels."""
    said = f"--cell {choice.cell}: " if choice.cell is not None else ""
    cell = cell_levels(levels, reading)
    extent = "no" if not cell.any() else "every" if reading.share == 1 else ""
    if extent:
        return [
            f"{said}{extent} pixel of the {count_noun(len(levels.counts), 'mask')} would be cell ({in_words(reading.cells)}); "
            f"they hold {levels.listed()}: say which values are cell, with --cell."
        ]
    if choice.threshold != "otsu" and choice.cell is None and reading.kind in (NUMBERED, LEVELS):
        labelled = (levels.values > 0) & ~ignored_levels(levels, reading)
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


def single_value_problem(levels: MaskLevels, left: MaskLevels) -> str:
    """The problem of masks that hold one value only.

    Parameters
    ----------
    levels : MaskLevels
    left : MaskLevels
        Those that are not ignored.
    """
    masks = count_noun(len(levels.counts), "mask")
    name = left.name(0)
    extent = "no pixel is cell" if left.values[0] == 0 else "every pixel is cell, or none"
    beside = "" if len(levels.values) == len(left.values) else " beside what is ignored"
    return (
        f"the {masks} hold one value only, {name}{beside}, so that {extent}: check that the files are the right masks, and that "
        "they are not cut or rounded when they are exported."
    )


def ambiguity_problem(levels: MaskLevels, rule: MaskRule, choice: MaskChoice) -> str:
    """Which of several readings is meant, with the command for each."""
    ignore = "" if choice.ignore is None else f" --ignore {choice.ignore}"
    options = [
        f"({letter}) {option.meaning}: {choice.command} {option.flags()}{ignore}"
        for letter, option in zip("abc", (rule, *rule.others), strict=False)
    ]
    if rule.kind == LEVELS and 2 < len(levels.values) <= MOST_NAMED and levels.values[0] >= 0:
        classes = [f"class_{number}" for number in range(1, len(levels.values))]
        options.append(
            f"({'abcd'[len(options)]}) each value is a class of its own, named in their order: {choice.command} --classes "
            f"background,{','.join(classes)}{ignore}"
        )
    return (
        f"the masks can be read in {len(options)} ways; they hold {levels.listed()}. Choose one: "
        + "; ".join(options)
        + "."
    )


def opposed_mask_notes(levels: MaskLevels, rule: MaskRule, names: Sequence[object]) -> tuple[str, ...]:
    """A sentence on the masks in which cell and background may be the other way round; none where there is no such mask."""
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
