"""Mask classes: the names of what masks of several classes show, and what the user says of them with `--classes`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minunet.data.reading.mask_values import MaskValues
from minunet.errors import UserError
from minunet.wording import join_names, shorten

AUTO = "auto"
MOST_CLASSES = 100
FORMS = (
    "auto; names with commas between them, the background first, in the order of the values of the masks "
    "(background,red,white); or names with their values (background=0,red=128,white=255)"
)
# A name is also a column of tables, and a part of a JSON file and of a printed table.
_NAME = re.compile(r"[^\W_][\w .+-]{0,39}")


@dataclass(frozen=True)
class MaskClass:
    """One class of a set of masks.

    Attributes
    ----------
    name : str
    values : str
        Its values in the masks, as `minunet.data.reading.mask_values.MaskValues` takes them.
    lies_in : str or None
        The name of the class in which its regions lie, as a nucleus lies in a white cell; both together are one cell.
    """

    name: str
    values: str
    lies_in: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The class, for a JSON file."""
        return {"name": self.name, "values": self.values, "lies_in": self.lies_in}

    @classmethod
    def from_dict(cls, stored: Any) -> MaskClass:
        """The class that `to_dict` returned.

        Raises
        ------
        UserError
            If it cannot be used.
        """
        if not isinstance(stored, Mapping) or set(stored) != {"name", "values", "lies_in"}:
            raise UserError(f"a class of masks is not {shorten(repr(stored))}.")
        return cls(**stored)


@dataclass(frozen=True)
class ClassRequest:
    """What `--classes` says.

    Attributes
    ----------
    names : tuple of str
        The background first; empty for "auto".
    values : tuple of str, or None
        Of each class, as `MaskValues` takes them; None where only names were given.
    lies_in : dict of str to str
        For a class that is written OUTER/NAME, the outer one.
    """

    names: tuple[str, ...]
    values: tuple[str, ...] | None
    lies_in: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> ClassRequest:
        """Read the text of `--classes`.

        Raises
        ------
        UserError
            With everything that is wrong with it.
        """
        if text.strip().lower() == AUTO:
            return cls((), None, {})
        parts = [part.strip() for part in text.split(",")]
        if not any(parts):
            raise UserError(f"no class is named: give {FORMS}.")
        pairs = [part.partition("=") for part in parts]
        names, lies_in, problems = [], {}, []
        for name, _, _ in pairs:
            outer, slash, inner = name.strip().rpartition("/")
            names.append(inner.strip())
            if slash:
                lies_in[inner.strip()] = outer.strip()
        problems += name_problems(names)
        with_values = [bool(sign) for _, sign, _ in pairs]
        if any(with_values) and not all(with_values):
            without = [name for name, has in zip(names, with_values, strict=True) if not has]
            problems.append(f"{join_names(without)} without a value: give each class its value, or none of them.")
        values = tuple(",".join(value.strip() for value in text.split("+")) for _, _, text in pairs)
        if all(with_values):
            problems += _value_problems(names, values)
        problems += _nesting_problems(names, lies_in)
        if problems:
            raise UserError(problems)
        return cls(tuple(names), values if all(with_values) else None, lies_in)

    @property
    def has_colours(self) -> bool:
        """Whether a class is given by its colour."""
        return self.values is not None and any(MaskValues(text).has_colours for text in self.values)


def name_problems(names: Sequence[str]) -> list[str]:
    """The reasons why classes cannot have these names, a sentence each."""
    problems = [
        f"the name {shorten(repr(name))}: a name begins with a letter or a digit, and has at most 40 letters, digits, spaces and "
        ". _ + - in it."
        for name in names
        if not _NAME.fullmatch(name)
    ]
    lowered = [name.lower() for name in names]
    twice = [name for place, name in enumerate(names) if name.lower() in lowered[:place] and name]
    if twice:
        problems.append(f"{join_names(dict.fromkeys(twice))} is there twice: give each class a name of its own.")
    if len(names) < 2:
        problems.append("one class only: give the background and at least one more class.")
    if len(names) > MOST_CLASSES:
        problems.append(f"{len(names)} classes: give at most {MOST_CLASSES}.")
    return problems


def _value_problems(names: Sequence[str], values: Sequence[str]) -> list[str]:
    problems = []
    for name, text in zip(names, values, strict=True):
        try:
            if MaskValues(text).negated:
                problems.append(f"{name}={text}: name the values of the class, not those of the others.")
        except UserError as error:
            problems += [f"{name}={problem}" for problem in error.problems]
    return problems


def _nesting_problems(names: Sequence[str], lies_in: Mapping[str, str]) -> list[str]:
    problems = []
    for inner, outer in lies_in.items():
        if outer not in names or outer == inner or outer == names[0]:
            problems.append(f"{outer}/{inner}: write another class but the background before the slash.")
        elif inner == names[0]:
            problems.append(f"{outer}/{inner}: the background lies in no class.")
        elif outer in lies_in:
            problems.append(
                f"{outer}/{inner}: {outer} lies in {lies_in[outer]} itself, and a class lies in one other only."
            )
    return problems


def outermost(classes: Sequence[MaskClass]) -> list[int]:
    """For each class the index of the one that its regions belong to: the class that it lies in, or itself."""
    places = {mask_class.name: place for place, mask_class in enumerate(classes)}
    return [
        place if mask_class.lies_in is None else places[mask_class.lies_in] for place, mask_class in enumerate(classes)
    ]
