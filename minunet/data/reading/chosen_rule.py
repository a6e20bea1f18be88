"""Chosen rules: the rule that the masks and what the user says of them give together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minunet.data.reading.default_rule import default_rule
from minunet.data.reading.level_shares import white_value
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_levels import MaskLevels
from minunet.data.reading.mask_reading import COLOURS, GREYS, LEVELS, TWO_VALUES
from minunet.data.reading.mask_rule import MaskRule
from minunet.data.reading.mask_values import MaskValues, written
from minunet.data.reading.number_rules import CLASS_NUMBERS
from minunet.errors import UserError


def chosen_rule(levels: MaskLevels, choice: MaskChoice) -> MaskRule:
    """The rule that the user's choice and the masks give together."""
    if len(levels.values) < 2:
        rule = MaskRule(COLOURS if levels.in_colour else TWO_VALUES, "")
    else:
        rule = default_rule(levels)
    if choice.grayscale and rule.kind == LEVELS and levels.form == "numbers" and levels.values[-1] > CLASS_NUMBERS:
        rule = MaskRule(GREYS, f">{written(white_value(levels) / 2)}")
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
    cells = f">{written(float(choice.threshold) * white_value(levels))}"
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
