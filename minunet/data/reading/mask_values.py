"""Mask values: a choice among the values or colours of masks, written as a short text such as `>0`, `1,2` or `not:#ffffff`.

It is what `--cell` and `--ignore` take, and what a stored reading consists of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from minunet.errors import UserError
from minunet.wording import shorten

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_COMPARISON = re.compile(rf"(>=|<=|>|<)\s*({NUMBER})", re.IGNORECASE)
_RANGE = re.compile(rf"({NUMBER})\s*(?:\.\.|-)\s*({NUMBER})", re.IGNORECASE)
_COLOUR = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
FORMS = "values (1,2), a range (10-20), a comparison (>0), colours (#ff0000), or not: before any of these"


@dataclass(frozen=True)
class MaskValues:
    """Some of the values that a mask may hold.

    Parameters
    ----------
    text : str
        Parts with commas between them: a value, a range, a comparison, or a colour #rrggbb. "not:" before them all means
        everything else.

    Raises
    ------
    UserError
        If the text is none of these.
    """

    text: str

    def __post_init__(self) -> None:
        if not self._parts():
            raise UserError(f"{shorten(repr(self.text))} names no values: give {FORMS}.")
        for part in self._parts():
            if not any(form.fullmatch(part) for form in (_COMPARISON, _RANGE, _COLOUR, re.compile(NUMBER, re.I))):
                raise UserError(f"{shorten(repr(self.text))}: {shorten(repr(part))} is none of {FORMS}.")

    @property
    def negated(self) -> bool:
        """Whether the text names what is not chosen."""
        return self.text.strip().lower().startswith("not:")

    @property
    def has_colours(self) -> bool:
        """Whether a part of the text is a colour."""
        return any(_COLOUR.fullmatch(part) for part in self._parts())

    def colours(self) -> list[int]:
        """The colours that the text names, as `packed` gives them."""
        codes = [match[1] for part in self._parts() if (match := _COLOUR.fullmatch(part))]
        return [int("".join(letter * 2 for letter in code) if len(code) == 3 else code, 16) for code in codes]

    def numbers(self) -> list[float]:
        """The single values that the text names."""
        return [float(part) for part in self._parts() if re.fullmatch(NUMBER, part, re.I)]

    def chosen(self, values: np.ndarray, *, colours: bool = False) -> np.ndarray:
        """Which of some values the text chooses.

        Parameters
        ----------
        values : ndarray, any shape
            Numbers, or colours as `packed` gives them.
        colours : bool
            Whether they are colours. A number then means the grey of that value, and a colour among numbers the value of
            that grey.

        Returns
        -------
        ndarray of bool, the shape of `values`
        """
        result = np.zeros(np.shape(values), bool)
        for part in self._parts():
            result |= self._one(part, values, colours)
        return ~result if self.negated else result

    def _parts(self) -> list[str]:
        text = self.text.strip()[4 if self.negated else 0 :]
        return [part.strip() for part in text.split(",") if part.strip()]

    @staticmethod
    def _one(part: str, values: np.ndarray, colours: bool) -> np.ndarray:
        if match := _COLOUR.fullmatch(part):
            (code,) = MaskValues(part).colours()
            if colours:
                return np.asarray(values == code)
            red, green, blue = code >> 16, (code >> 8) & 255, code & 255
            return np.asarray(values == red) if red == green == blue else np.zeros(np.shape(values), bool)
        if colours:
            grey = values & 255
            is_grey = values == grey * 0x10101
            return np.asarray(is_grey & MaskValues._one(part, grey, False))
        if match := _COMPARISON.fullmatch(part):
            limit = float(match[2])
            comparisons = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
            return np.asarray(comparisons[match[1]](values, limit))
        if match := _RANGE.fullmatch(part):
            return np.asarray((values >= float(match[1])) & (values <= float(match[2])))
        return np.asarray(values == float(part))


def packed(colours: np.ndarray) -> np.ndarray:
    """Colours (..., 3) uint8 as one number each, 0xRRGGBB: (...) uint32."""
    wide = colours.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2])


def unpacked(codes: np.ndarray) -> np.ndarray:
    """The colours (..., 3) uint8 of numbers 0xRRGGBB."""
    return np.stack([(codes >> shift) & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)


def written(value: float, *, colours: bool = False) -> str:
    """A value as it is typed: 255, 0.5 or #ff0000."""
    if colours:
        return f"#{int(value):06x}"
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def in_words(text: str) -> str:
    """Some values of masks as a part of a sentence: ">0" is "above 0", "not:#ffffff" is "everything but #ffffff"."""
    values = MaskValues(text)
    words = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
    parts = [
        f"{words[match[1]]} {match[2]}" if (match := _COMPARISON.fullmatch(part)) else part for part in values._parts()
    ]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"
    return f"everything but {listed}" if values.negated else listed
