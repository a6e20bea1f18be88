"""Number rules: what is cell, background and ignored by default in masks that hold numbers of cells or classes."""

from __future__ import annotations

import numpy as np

from minunet.data.reading.mask_levels import SINGLE, THIN, MaskLevels
from minunet.data.reading.mask_reading import LEVELS, NUMBERED
from minunet.data.reading.mask_rule import CLEAR, MaskRule, asked_rule, background_rules, values_note
from minunet.wording import percent

VOC_IGNORE = 255  # Pascal VOC: the border of an object, in indices
MOST_CLASSES = 40  # numbers of classes beside VOC's 255 go up to here
CLASS_NUMBERS = 20  # three levels up to here are numbers of classes or cells, and not black, grey and white
# A level that looks more like the background by this much is, or may be, the background even where 0 is there as well.
DOMINANT = 1.0


def number_rule(levels: MaskLevels) -> MaskRule:
    """The rule for a set of masks of numbers."""
    values = levels.values
    if values[0] < 0:
        rules = (
            MaskRule(LEVELS, ">0", ignore="<0", meaning="numbers above 0 are cell, numbers below 0 count nowhere"),
            MaskRule(LEVELS, ">0", meaning="numbers above 0 are cell, all others are background"),
        )
        return asked_rule(rules)
    if rule := _with_ignored_border(levels):
        return rule
    if values.tolist() == [1, 2, 3] and int(np.argmax(levels.background())) == 1:
        return MaskRule(
            LEVELS, "1", ignore="3", notes=values_note(levels, "1 is cell, 2 background, and 3, a border, is ignored")
        )
    background = levels.background()
    winner = int(np.argmax(background))
    if values[0] != 0:
        return _without_zero(levels, winner)
    if winner != 0 and background[winner] - background[0] > DOMINANT:
        name = levels.name(winner)
        return asked_rule(
            (
                MaskRule(
                    LEVELS, f"not:{name}", meaning=f"{name}, most of the pixels and of the borders, is background"
                ),
                MaskRule(LEVELS, ">0", meaning="0 is background, everything else is cell"),
            )
        )
    if len(values) == 3 and values[2] > CLASS_NUMBERS:
        return _three_levels(levels)
    rule = MaskRule(NUMBERED if levels.numbers_cells(values > 0) else LEVELS, ">0")
    if rule.kind == LEVELS:
        return MaskRule(LEVELS, ">0", notes=values_note(levels, "all above 0 are cell"))
    return rule


def _with_ignored_border(levels: MaskLevels) -> MaskRule | None:
    """The rule for numbers beside a border to ignore, or None for other levels.

    The border has the largest number of the type: 255 beside low numbers, as in Pascal VOC, or thin lines around numbered cells.
    """
    values = levels.values
    if values[0] == 0 and values[-1] == levels.white and _has_thin_border(levels):
        name = levels.name(-1)
        return MaskRule(
            NUMBERED,
            ">0",
            ignore=name,
            notes=(
                f"{name}, the largest number of the type, is not a cell but thin lines ({percent(levels.shares[-1])} of the "
                f"pixels), and is ignored; if it is background, add --cell 'not:0,{name}'.",
            ),
        )
    if values[-1] != VOC_IGNORE or values[0] != 0 or values[-2] > MOST_CLASSES:
        return None
    together = any(
        bool((mask.values == VOC_IGNORE).any() and ((mask.values > 0) & (mask.values < VOC_IGNORE)).any())
        for mask in levels.counts
    )
    if not together:
        return MaskRule(
            LEVELS,
            ">0",
            notes=(f"some masks hold low numbers, others 0 and 255 ({levels.listed()}): all above 0 are cell.",),
        )
    if levels.background()[-1] > DOMINANT:
        return asked_rule(
            (
                MaskRule(LEVELS, f"not:{VOC_IGNORE}", meaning="255, most of the pixels, is background"),
                MaskRule(LEVELS, ">0", ignore=str(VOC_IGNORE), meaning="0 is background, and 255 is ignored"),
            )
        )
    return MaskRule(
        LEVELS,
        ">0",
        ignore=str(VOC_IGNORE),
        notes=values_note(
            levels, "255 beside low numbers is ignored, as in Pascal VOC, and the others above 0 are cell"
        ),
    )


def _has_thin_border(levels: MaskLevels) -> bool:
    """Whether the last value is lines in several pieces or around something, and the other ones number cells."""
    others = (levels.values > 0) & (np.arange(len(levels.values)) < len(levels.values) - 1)
    is_thin = levels.flatness[-1] < THIN and levels.single[-1] < SINGLE * levels.masks[-1]
    return bool(is_thin and levels.numbers_cells(others))


def _three_levels(levels: MaskLevels) -> MaskRule:
    _, middle, high = (levels.name(index) for index in range(3))
    edge = levels.flatness[1] < THIN
    ignored = MaskRule(LEVELS, high, ignore=middle, meaning=f"{high} is cell, and {middle} counts nowhere")
    both = MaskRule(LEVELS, ">0", meaning=f"{middle} and {high} are cell")
    only = MaskRule(LEVELS, high, meaning=f"only {high} is cell")
    return asked_rule((ignored, both, only) if edge else (both, only, ignored))


def _without_zero(levels: MaskLevels, winner: int) -> MaskRule:
    background = levels.background()
    second = int(np.argsort(background)[-2])
    rules = background_rules(levels, LEVELS, (winner, second))
    if background[winner] - background[second] < CLEAR:
        return asked_rule(rules)
    kind = NUMBERED if levels.numbers_cells(np.arange(len(levels.values)) != winner) else LEVELS
    why = (
        f"{levels.name(winner)}, the most common value and that of the borders, is background, and all others are cell"
    )
    return MaskRule(kind, rules[0].cells, notes=values_note(levels, why))
