"""Colour rules: what is cell, background and ignored by default in masks in colour, also with noise and blurred edges."""

from __future__ import annotations

import numpy as np

from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.mask_reading import COLOURS
from minunet.data.reading.mask_rule import CLEAR, MaskRule, asked_rule, background_rules
from minunet.data.reading.mask_values import unpacked
from minunet.wording import percent

VOC_IGNORE_COLOUR = 0xE0E0C0  # Pascal VOC: the border of an object, in colours
NOISE = 60.0  # distance of colours: nearer to the background than this they may be noise of JPEG
NOISY = 0.1  # colours of noise hold at least this share of the pixels that the background itself holds
MANY = 8  # and they are more than this
BLURRED = 0.005  # share of the pixels in colours without a region


def colour_rule(levels: MaskLevels) -> MaskRule:
    """The rule for a set of masks in colour."""
    background = _with_noise(levels)
    order = np.argsort(background)[::-1]
    winner, second = int(order[0]), int(order[1])
    rules = background_rules(levels, COLOURS, (winner, second))
    if background[winner] - background[second] < CLEAR:
        return asked_rule(rules)
    blurred, tolerance = _blur(levels, winner)
    void = VOC_IGNORE_COLOUR in levels.values and levels.values[winner] == 0
    return MaskRule(
        COLOURS,
        rules[0].cells,
        ignore=f"#{VOC_IGNORE_COLOUR:06x}" if void else None,
        notes=(
            f"masks in colour: {levels.name(winner)}, {percent(levels.shares[winner])} of the pixels and "
            f"{percent(levels.frame_shares[winner])} of the borders, is background, and every other colour is cell; if it is "
            f"not, name the background with --cell 'not:#rrggbb', or the colours of the cells with --cell '#rrggbb,#rrggbb'.",
        ),
        tolerance=tolerance,
        blurred=blurred,
    )


def _with_noise(levels: MaskLevels) -> np.ndarray:
    """How much each colour looks like the background; of the likeliest ones, together with the colours next to them."""
    background = levels.background()
    likely = np.argsort(background)[-MANY:]
    colours = unpacked(levels.values).astype(np.float64)
    result = np.zeros(len(background))
    left = np.ones(len(background), bool)
    for index in likely[::-1]:  # the likeliest first: its noise is no background of its own
        if left[index]:
            near = left & (((colours - colours[index]) ** 2).sum(axis=1) < (NOISE / 2) ** 2)
            near &= (levels.flatness < 2 * THIN) | (np.arange(len(near)) == index)
            result[index] = background[near].sum()
            left &= ~near
    return result


def _blur(levels: MaskLevels, background: int) -> tuple[bool, float]:
    """Whether colours have blurred edges, and how far noise moves them away from the background."""
    colours = unpacked(levels.values).astype(np.float64)
    distance = np.sqrt(((colours - colours[background]) ** 2).sum(axis=1))
    near = (distance > 0) & (distance < NOISE) & (levels.flatness < 2 * THIN)
    if np.count_nonzero(near) > MANY and levels.shares[near].sum() > NOISY * levels.shares[background]:
        far = distance >= NOISE
        common = far & (levels.shares > 0.1 * levels.shares[far].max(initial=0))
        return False, float(distance[common].min(initial=2 * NOISE)) / 2
    return bool(levels.shares[levels.flatness < THIN].sum() > BLURRED), 0.0
