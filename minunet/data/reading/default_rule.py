"""The default rule: what is cell, background and ignored in each kind of masks, where the user says nothing.

Where several rules are plausible, the user is asked, with the flags to type for each.
"""

from __future__ import annotations

from minunet.data.reading.colour_rules import colour_rule
from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.mask_peaks import MaskPeaks, otsu_level
from minunet.data.reading.mask_reading import GREYS, NUMBERED, TWO_VALUES
from minunet.data.reading.mask_rule import MaskRule
from minunet.data.reading.mask_sides import MaskSides
from minunet.data.reading.mask_values import written
from minunet.data.reading.number_rules import number_rule
from minunet.wording import percent

LABELLED = 0.4  # of a mask that numbers cells or classes, this share at least lies in flat squares


def default_rule(levels: MaskLevels) -> MaskRule:
    """The rule for a set of masks with at least two values."""
    if all(mask.is_numbered for mask in levels.counts):
        return MaskRule(NUMBERED, ">0")
    if levels.in_colour:
        return colour_rule(levels)
    if len(levels.values) == 2:
        return _two_values(levels)
    if peaks := MaskPeaks.of(levels):
        return _greys(levels, peaks)
    if levels.form == "numbers" and levels.flat.sum() < LABELLED * levels.pixels.sum():
        return _graded(levels)
    return number_rule(levels)


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
