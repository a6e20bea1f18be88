"""Chosen classes: which values of a set of masks are which class, by the masks and by what the user says with `--classes`.

Values that no class has are a problem with its remedy, unless they are the blurred edges between classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minunet.data.reading.class_index import NO_CLASS, class_of_values, class_tolerance
from minunet.data.reading.default_rule import default_rule
from minunet.data.reading.mask_choice import MaskChoice
from minunet.data.reading.mask_classes import MOST_CLASSES, ClassRequest, MaskClass
from minunet.data.reading.mask_levels import THIN, MaskLevels
from minunet.data.reading.mask_reading import COLOURS, LEVELS, MaskReading
from minunet.data.reading.mask_rule import CLEAR
from minunet.data.reading.mask_values import MaskValues
from minunet.data.reading.nested_classes import nested_classes
from minunet.errors import UserError
from minunet.wording import join_names, percent

RARE = 0.0002  # share of the pixels; a value that is rarer and lies in no region is noise, where others are many


def chosen_classes(
    levels: MaskLevels, request: ClassRequest, choice: MaskChoice
) -> tuple[MaskReading, tuple[str, ...]]:
    """The reading of a set of masks with classes, and what the user should know of it.

    Parameters
    ----------
    levels : MaskLevels
        Without what is ignored.
    request : ClassRequest
    choice : MaskChoice

    Raises
    ------
    UserError
        Where the masks and the classes do not fit; it says which values there are.
    """
    notes: list[str] = []
    ignore = choice.ignore
    if request.values is None:
        levels, ignore, solid = _class_levels(levels, request, ignore, notes)
        classes = _named(levels, solid, request, choice)
    else:
        classes = [MaskClass(name, text) for name, text in zip(request.names, request.values, strict=True)]
    members = members_of(levels, classes)
    _check_values(levels, classes, members)
    nested = nested_classes(levels, members)
    names = [mask_class.name for mask_class in classes]
    found = {names[inner]: names[outer] for inner, outer in nested.items()} | dict(request.lies_in)
    classes = [replace(mask_class, lies_in=found.get(mask_class.name)) for mask_class in classes]
    notes += _background_notes(levels, classes, members)
    unknown = (members == -1).any()
    reading = MaskReading(
        COLOURS if levels.in_colour else LEVELS,
        ",".join(mask_class.values for mask_class in classes[1:]),
        ignore,
        form=levels.form,
        bits=levels.bits,
        tolerance=class_tolerance(classes, colours=levels.in_colour) if unknown else 0.0,
        blurred=bool(unknown),
        classes=tuple(classes),
    )
    if unknown:
        share = levels.shares[members == -1].sum()
        notes.append(
            f"{percent(share)} of the pixels have values of no class, which lie between the classes: they are taken for the "
            "class beside them."
        )
    cell = levels.pixels[members > 0].sum() / levels.pixels[members >= 0].sum()
    return replace(reading, share=float(cell)), tuple(notes)


def members_of(levels: MaskLevels, classes: Sequence[MaskClass]) -> np.ndarray:
    """The index of the class of each level, (levels,) int64; -1 for those of no class.

    Raises
    ------
    UserError
        If a value belongs to two classes.
    """
    members = np.full(len(levels.values), -1, np.int64)
    for place, mask_class in enumerate(classes):
        chosen = MaskValues(mask_class.values).chosen(levels.values, colours=levels.in_colour)
        twice = np.flatnonzero(chosen & (members >= 0))
        if twice.size:
            other = classes[members[twice[0]]].name
            raise UserError(
                f"--classes: {levels.name(int(twice[0]))} belongs to {other} and to {mask_class.name}: name it once."
            )
        members[chosen] = place
    return members


def are_solid(levels: MaskLevels) -> np.ndarray:
    """Which levels are values of regions, (levels,) bool: not those of blurred edges, nor rare ones, which are noise."""
    return (levels.flatness >= THIN) & (levels.shares >= RARE)


def without_class(levels: MaskLevels, classes: Sequence[MaskClass]) -> np.ndarray:
    """Which solid levels have no class and are near to none, (levels,) bool."""
    in_colour = levels.in_colour
    tolerance = class_tolerance(classes, colours=in_colour)
    near = class_of_values(levels.values, classes, colours=in_colour, tolerance=tolerance)
    return (near == NO_CLASS) & are_solid(levels)


def names_of(levels: MaskLevels, chosen: np.ndarray) -> str:
    """Some of the levels, as they are typed, in words."""
    return join_names([levels.name(int(place)) for place in np.flatnonzero(chosen)], 10)


def _class_levels(
    levels: MaskLevels, request: ClassRequest, ignore: str | None, notes: list[str]
) -> tuple[MaskLevels, str | None, np.ndarray]:
    """The levels, what is ignored of them by default, and which of them are values of classes rather than edges or noise."""
    count = len(request.names)
    if count and len(levels.values) == count:
        return levels, ignore, np.ones(count, bool)
    if not levels.in_colour and ignore is None and len(levels.values) > 2:
        rule = default_rule(levels)
        if rule.ignore is not None:
            left = levels.only(~MaskValues(rule.ignore).chosen(levels.values))
            if not count or len(left.values) == count:
                notes.append(
                    f"{rule.ignore} is a border that counts in no loss and no score; --ignore chooses otherwise."
                )
                return left, rule.ignore, np.ones(len(left.values), bool)
    return levels, ignore, are_solid(levels) if len(levels.values) > 2 else np.ones(len(levels.values), bool)


def _named(levels: MaskLevels, solid: np.ndarray, request: ClassRequest, choice: MaskChoice) -> list[MaskClass]:
    """The classes in the order of their values, the background first where nobody says which value it is."""
    names = request.names
    if not names and (levels.numbers_cells(levels.values != 0) or np.count_nonzero(solid) > MOST_CLASSES):
        raise UserError(
            f"--classes auto: the masks hold {np.count_nonzero(solid):,} values ({levels.listed()}), as if each cell had one "
            "of its own: give the classes with their values, such as --classes background=0,red=1,white=2."
        )
    places = np.flatnonzero(solid)
    if names and len(places) != len(names):
        raise UserError(_wrong_number(levels, names, places, choice))
    first = places[int(np.argmax(levels.background()[places]))]
    if not names or levels.in_colour:  # colours have no order
        places = np.concatenate([[first], places[places != first]])
    if names and levels.in_colour and len(names) > 2:
        raise UserError(
            "--classes: colours have no order, so that the names alone do not tell which is which; give each its colour, such as "
            f"{_suggestion(levels, names, places, choice)}"
        )
    if not names:
        names = ("background", *(f"class_{number}" for number in range(1, len(places))))
    return [MaskClass(name, levels.name(int(place))) for name, place in zip(names, places, strict=True)]


def _wrong_number(levels: MaskLevels, names: Sequence[str], places: np.ndarray, choice: MaskChoice) -> str:
    """What is said where there are more names than values, or fewer."""
    values = "1 value" if len(places) == 1 else f"{len(places)} values"
    start = f"--classes names {len(names)} classes ({', '.join(names[:10])}), and the masks hold {values}: {levels.listed()}"
    if len(names) < len(places):
        return (
            f"{start}. Name all of them, leave some out of the loss with --ignore, or say which value is which: "
            f"{_suggestion(levels, names, places, choice)}"
        )
    return f"{start}. Name as many classes as there are values, or check the masks."


def _suggestion(levels: MaskLevels, names: Sequence[str], places: np.ndarray, choice: MaskChoice) -> str:
    """The command with values in it, for the user to correct."""
    values = [levels.name(int(place)) for place in places]
    values[len(names) - 1 :] = ["+".join(values[len(names) - 1 :])]  # what is left over goes to the last class
    pairs = ",".join(f"{name}={value}" for name, value in zip(names, values, strict=False))
    quoted = f"'{pairs}'" if levels.in_colour else pairs
    return f"{choice.command} --classes {quoted}."


def _check_values(levels: MaskLevels, classes: Sequence[MaskClass], members: np.ndarray) -> None:
    problems = []
    absent = [mask_class for place, mask_class in enumerate(classes) if not (members == place).any()]
    for mask_class in absent:
        problems.append(
            f"--classes {mask_class.name}={mask_class.values}: no mask holds such a value; they hold {levels.listed()}."
        )
    unknown = without_class(levels, classes)
    if unknown.any():
        problems.append(
            f"--classes names no class for {names_of(levels, unknown)}; the masks hold {levels.listed()}: name all values, put two "
            "into one class (white=2+3), or leave some out of the loss with --ignore."
        )
    if problems:
        raise UserError(problems)


def _background_notes(levels: MaskLevels, classes: Sequence[MaskClass], members: np.ndarray) -> list[str]:
    """A note where another class than the first looks like the background."""
    looks = np.array([levels.background()[members == place].sum() for place in range(len(classes))])
    likeliest = int(np.argmax(looks))
    if likeliest == 0 or looks[likeliest] - looks[0] < CLEAR:
        return []
    return [
        f"the first class, {classes[0].name} ({classes[0].values}), is the background, and {classes[likeliest].name} "
        f"({classes[likeliest].values}) is most of the pixels or of the borders: check the order of --classes."
    ]
