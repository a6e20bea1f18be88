"""Mask rules: what is cell, background and ignored by default in each kind of masks, and where nobody can know it.

A rule is one plausible reading. Where there are several, the user is asked, with the flags to type for each.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np

from minunet.data.reading.mask_levels import SINGLE, THIN, MaskLevels
from minunet.data.reading.mask_peaks import MaskPeaks, otsu_level
from minunet.data.reading.mask_reading import COLOURS, GREYS, LEVELS, NUMBERED, TWO_VALUES
from minunet.data.reading.mask_sides import MaskSides
from minunet.data.reading.mask_values import unpacked, written
from minunet.wording import percent

VOC_IGNORE, VOC_IGNORE_COLOUR = 255, 0xE0E0C0  # Pascal VOC: the border of an object, in indices and in colours
MOST_CLASSES = 40  # numbers of classes beside VOC's 255 go up to here
CLASS_NUMBERS = 20  # three levels up to here are numbers of classes or cells, and not black, grey and white
CLEAR = (
    0.3  # a level that looks more like the background than any other by this much is the background; see `background`
)
DOMINANT = 1.0  # by this much it is, or may be, even where 0 is there as well
LABELLED = 0.4  # of a mask that numbers cells or classes, this share at least lies in flat squares
NOISE = 60.0  # distance of colours: nearer to the background than this they may be noise of JPEG
NOISY = 0.1  # colours of noise hold at least this share of the pixels that the background itself holds
MANY = 8  # and they are more than this
BLURRED = 0.005  # share of the pixels in colours without a region


@dataclass(frozen=True)
class MaskRule:
    """One way to read the masks of a set.

    Attributes
    ----------
    kind : str
        One of `minunet.data.reading.mask_reading.KINDS`.
    cells : str
        The values that are cell; see `minunet.data.reading.mask_values.MaskValues`.
    ignore : str or None
    notes : tuple of str
        What the user should know, each a sentence.
    others : tuple of MaskRule
        Other plausible readings, about which the user is to be asked.
    meaning : str
        The reading in words, for such a question.
    peaks : MaskPeaks or None
        Of grey masks.
    tolerance : float
    blurred : bool
        As in `MaskReading`.
    """

    kind: str
    cells: str
    ignore: str | None = None
    notes: tuple[str, ...] = ()
    others: tuple[MaskRule, ...] = ()
    meaning: str = ""
    peaks: MaskPeaks | None = None
    tolerance: float = 0.0
    blurred: bool = False

    def flags(self) -> str:
        """The rule as flags of the command line."""
        text = f"--cell {shlex.quote(self.cells)}"
        return text if self.ignore is None else f"{text} --ignore {shlex.quote(self.ignore)}"


def default_rule(levels: MaskLevels) -> MaskRule:
    """The rule for a set of masks with at least two values."""
    if all(mask.is_numbered for mask in levels.counts):
        return MaskRule(NUMBERED, ">0")
    if levels.in_colour:
        return _colours(levels)
    if len(levels.values) == 2:
        return _two_values(levels)
    if peaks := MaskPeaks.of(levels):
        return _greys(levels, peaks)
    if levels.form == "numbers" and levels.flat.sum() < LABELLED * levels.pixels.sum():
        return _graded(levels)
    return _numbers(levels)


def _two_values(levels: MaskLevels) -> MaskRule:
    low, high = levels.values
    sides = MaskSides.of(levels.counts, (float(low) + float(high)) / 2)
    cell = 0 if sides.cells_are_dark else 1
    notes = _side_notes(sides, levels.name(0), levels.name(1))
    if levels.flatness[cell] < THIN:
        notes += (
            f"what is {levels.name(cell)} is thin lines, as if only the outlines of the cells were drawn: if it is so, fill "
            "them, since a training learns what the masks show.",
        )
    return MaskRule(TWO_VALUES, levels.name(cell), notes=notes)


def _greys(levels: MaskLevels, peaks: MaskPeaks) -> MaskRule:
    sides = MaskSides.of(levels.counts, peaks.cut)
    cut = written(peaks.cut)
    notes = _side_notes(sides, f"up to {cut}", f"above {cut}", f"'<={cut}'", f"'>{cut}'")
    return MaskRule(GREYS, f"<={cut}" if sides.cells_are_dark else f">{cut}", notes=notes, peaks=peaks)


def _graded(levels: MaskLevels) -> MaskRule:
    cut = written(otsu_level(levels))
    note = (
        f"the masks have many greys and no two clear peaks; they are cut above {cut}, by Otsu's method over all of them: "
        "--mask grayscale keeps the greys, and --cell or --threshold cuts elsewhere."
    )
    return MaskRule(GREYS, f">{cut}", notes=(note,))


def _side_notes(sides: MaskSides, dark: str, light: str, dark_text: str = "", light_text: str = "") -> tuple[str, ...]:
    where = f"{percent(sides.light_share)} of the pixels and {percent(sides.light_frame)} of the borders"
    if sides.cells_are_dark:
        return (
            f"the masks are dark cells on a light background: the parts that are {dark} are separate and round, and what is "
            f"{light} lies around them ({where}). They are read so; if the light part is cell, add --cell {light_text or light}.",
        )
    if sides.unsure:
        return (
            f"what is {light} is taken for cell, and it is {where}: if the masks are dark cells on a light background, add "
            f"--invert-masks (or --cell {dark_text or dark}).",
        )
    return ()


def _numbers(levels: MaskLevels) -> MaskRule:
    values = levels.values
    if values[0] < 0:
        rules = (
            MaskRule(LEVELS, ">0", ignore="<0", meaning="numbers above 0 are cell, numbers below 0 count nowhere"),
            MaskRule(LEVELS, ">0", meaning="numbers above 0 are cell, all others are background"),
        )
        return _asked(rules)
    if rule := _with_ignored_border(levels):
        return rule
    if values.tolist() == [1, 2, 3] and int(np.argmax(levels.background())) == 1:
        return MaskRule(
            LEVELS, "1", ignore="3", notes=_listed(levels, "1 is cell, 2 background, and 3, a border, is ignored")
        )
    background = levels.background()
    winner = int(np.argmax(background))
    if values[0] != 0:
        return _without_zero(levels, winner)
    if winner != 0 and background[winner] - background[0] > DOMINANT:
        name = levels.name(winner)
        return _asked(
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
        return MaskRule(LEVELS, ">0", notes=_listed(levels, "all above 0 are cell"))
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
        return _asked(
            (
                MaskRule(LEVELS, f"not:{VOC_IGNORE}", meaning="255, most of the pixels, is background"),
                MaskRule(LEVELS, ">0", ignore=str(VOC_IGNORE), meaning="0 is background, and 255 is ignored"),
            )
        )
    return MaskRule(
        LEVELS,
        ">0",
        ignore=str(VOC_IGNORE),
        notes=_listed(levels, "255 beside low numbers is ignored, as in Pascal VOC, and the others above 0 are cell"),
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
    return _asked((ignored, both, only) if edge else (both, only, ignored))


def _without_zero(levels: MaskLevels, winner: int) -> MaskRule:
    background = levels.background()
    second = int(np.argsort(background)[-2])
    rules = tuple(
        MaskRule(
            LEVELS, f"not:{levels.name(index)}", meaning=f"{levels.name(index)} is background, all others are cell"
        )
        for index in (winner, second)
    )
    if background[winner] - background[second] < CLEAR:
        return _asked(rules)
    kind = NUMBERED if levels.numbers_cells(np.arange(len(levels.values)) != winner) else LEVELS
    why = (
        f"{levels.name(winner)}, the most common value and that of the borders, is background, and all others are cell"
    )
    return MaskRule(kind, rules[0].cells, notes=_listed(levels, why))


def _colours(levels: MaskLevels) -> MaskRule:
    background = _with_noise(levels)
    order = np.argsort(background)[::-1]
    winner, second = int(order[0]), int(order[1])
    rules = tuple(
        MaskRule(
            COLOURS, f"not:{levels.name(index)}", meaning=f"{levels.name(index)} is background, all others are cell"
        )
        for index in (winner, second)
    )
    if background[winner] - background[second] < CLEAR:
        return _asked(rules)
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


def _listed(levels: MaskLevels, choice: str) -> tuple[str, ...]:
    return (f"the masks hold {levels.listed()}: {choice}; --cell and --ignore choose otherwise.",)


def _asked(rules: tuple[MaskRule, ...]) -> MaskRule:
    """The first rule, about which the user is to be asked."""
    first, *others = rules
    return MaskRule(first.kind, first.cells, first.ignore, others=tuple(others), meaning=first.meaning)
