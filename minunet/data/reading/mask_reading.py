"""Mask readings: which of the values that a set of masks stores are cell, decided once for the whole set.

A reading is stored with the run and with the model, so that every command takes the same pixels for cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.data.reading.blurred_colours import are_near, sharpened
from minunet.data.reading.class_index import class_of_values, filled
from minunet.data.reading.mask_classes import MaskClass, name_problems
from minunet.data.reading.mask_values import MaskValues, in_words, packed
from minunet.data.reading.pixels import grey_if_equal
from minunet.errors import UserError
from minunet.wording import count_noun, percent, shorten

if TYPE_CHECKING:
    from minunet.data.reading.stored_mask import StoredMask

TWO_VALUES, GREYS, NUMBERED, LEVELS, COLOURS = "two values", "greys", "numbered cells", "levels", "colours"
KINDS = (TWO_VALUES, GREYS, NUMBERED, LEVELS, COLOURS)
FORMS = ("numbers", "indices", "colours", "red", "green", "blue")


@dataclass(frozen=True)
class MaskReading:
    """How the masks of a set are read.

    Parameters
    ----------
    kind : str
        What the masks hold: one of `KINDS`.
    cells : str
        The values that are cell, as `minunet.data.reading.mask_values.MaskValues` takes them.
    ignore : str or None
        The values that count in no loss and no score.
    form : str
        One of `FORMS`: the values are numbers, indices of a palette, colours, or numbers in one channel of colours.
    bits : int
        Of a number, as the files store it.
    white : float
        The number that is 1 where masks keep their greys.
    tolerance : float
        Of colours with noise: up to which distance of red, green and blue a colour counts as one that `cells` names. At 0
        colours are exact, but for blurred edges, which get the nearer of the colours around them.
    numbered : bool
        Whether each cell has a value of its own.
    blurred : bool
        Whether the edges of colours are blurred.
    share : float or None
        The share of the pixels that is cell, in the masks that the reading was chosen by.
    count : int or None
        Where they are numbered, the cells of all masks that the reading was chosen by.
    classes : tuple of MaskClass
        The classes of masks with several, the background first; `cells` are then the values of all others. Empty where masks tell
        cell and background only.

    Raises
    ------
    UserError
        With every parameter that can't be used.
    """

    kind: str
    cells: str = ">0"
    ignore: str | None = None
    form: str = "numbers"
    bits: int = 8
    white: float = 255.0
    tolerance: float = 0.0
    numbered: bool = False
    blurred: bool = False
    share: float | None = None
    count: int | None = None
    classes: tuple[MaskClass, ...] = ()

    def __post_init__(self) -> None:
        problems = []
        for name, choices in (("kind", KINDS), ("form", FORMS)):
            if getattr(self, name) not in choices:
                problems.append(
                    f"{name} of the masks {shorten(repr(getattr(self, name)))}: it is one of {', '.join(choices)}."
                )
        for name in ("cells", "ignore"):
            try:
                if getattr(self, name) is not None or name == "cells":
                    MaskValues(getattr(self, name))
            except (UserError, AttributeError, TypeError) as error:
                problems.append(f"values of the masks: {shorten(error)}")
        for name in ("bits", "white", "tolerance", "share"):
            value = getattr(self, name)
            if name == "share" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**65:
                problems.append(f"{name} of the masks {shorten(repr(value))}: it is a number that is not negative.")
        for name in ("numbered", "blurred"):
            if not isinstance(getattr(self, name), bool):
                problems.append(f"{name} {shorten(repr(getattr(self, name)))}: it is true or false.")
        if self.count is not None and (isinstance(self.count, bool) or not isinstance(self.count, int)):
            problems.append(f"count of the cells {shorten(repr(self.count))}: it is a whole number.")
        if self.classes:
            problems += self._class_problems()
        if problems:
            raise UserError(problems)
        if self.kind == NUMBERED:
            object.__setattr__(self, "numbered", True)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, the background first; empty where masks tell cell and background only."""
        return tuple(mask_class.name for mask_class in self.classes)

    def cell(self, stored: StoredMask) -> np.ndarray:
        """Which pixels are cell.

        Parameters
        ----------
        stored : StoredMask

        Returns
        -------
        ndarray, (H, W) bool

        Raises
        ------
        UserError
            If the mask holds colours and the reading is one of numbers, or the other way round.
        """
        if self.classes:
            return self.class_index(stored) > 0
        return self._are_cell(self._sharp_values(stored))

    def class_index(self, stored: StoredMask) -> np.ndarray:
        """The index of the class of each pixel, for a reading with classes.

        Returns
        -------
        ndarray, (H, W) int16
            -1 where a pixel is ignored, or where no pixel of the mask has a class.

        Raises
        ------
        UserError
            As `cell`.
        """
        values, colours = self.values(stored), self.form == "colours"
        index = class_of_values(values, self.classes, colours=colours, tolerance=self.tolerance)
        ignored = self.ignored(stored)
        if ignored is not None:
            index[ignored] = 0  # an ignored pixel is nobody's edge
        if (index < 0).any():
            index = filled(index, values, self.classes, colours=colours)
        if ignored is not None:
            index[ignored] = -1
        return index

    def ignored(self, stored: StoredMask) -> np.ndarray | None:
        """Which pixels count in no loss and no score: (H, W) bool, or None where there are none."""
        if self.ignore is None:
            return None
        ignored = MaskValues(self.ignore).chosen(self.values(stored), colours=self.form == "colours")
        return ignored if ignored.any() else None

    def shares(self, stored: StoredMask) -> np.ndarray:
        """What `--mask grayscale` learns: greys as shares of white, and cell or not for masks that are not grey.

        Returns
        -------
        ndarray, (H, W) float64 in [0, 1]
        """
        cell = self.cell(stored)
        if self.form != "numbers" or self.kind not in (TWO_VALUES, GREYS):
            return cell.astype(np.float64)
        greys = self.values(stored)
        greys = np.clip(np.divide(greys, np.float32(self.white), dtype=np.float32), 0, 1).astype(np.float64)
        dark = not MaskValues(self.cells).chosen(np.array([self.white]))[0]
        return 1 - greys if dark else greys

    def labels(self, stored: StoredMask) -> np.ndarray | None:
        """The number of each cell as the mask stores it.

        Returns
        -------
        ndarray, (H, W) int32, or None
            0 where there is no cell. Colours, and numbers that int32 does not hold, are numbered from 1 in ascending order.
            None where the masks do not number their cells.
        """
        if not self.numbered:
            return None
        values = self._sharp_values(stored)
        cell = self._are_cell(values)
        if (ignored := self.ignored(stored)) is not None:
            cell &= ~ignored
        if self.form == "colours" or values.max() > np.iinfo(np.int32).max or values[cell].min(initial=1) < 1:
            result = np.zeros(cell.shape, np.int32)
            _, ranks = np.unique(values[cell], return_inverse=True)
            result[cell] = ranks + 1
            return result
        return np.where(cell, values, 0).astype(np.int32)

    def values(self, stored: StoredMask) -> np.ndarray:
        """The values that the reading chooses from: numbers, or colours as 0xRRGGBB, (H, W)."""
        array = stored.values
        if array.dtype == np.bool_:
            array = array.view(np.uint8)
        if self.form == "colours":
            if array.ndim == 3:
                return packed(array)
            if stored.palette is not None:
                return packed(stored.palette[array])
            if array.max() > 255 or array.min() < 0 or array.dtype.kind == "f":
                raise UserError("it holds numbers, and the masks that this reading was made for hold colours.")
            return np.asarray(array.astype(np.uint32) * 0x10101)
        if self.form in ("red", "green", "blue"):
            return array[..., ("red", "green", "blue").index(self.form)] if array.ndim == 3 else array
        if array.ndim == 3:
            array = grey_if_equal(array)
        if array.ndim == 3:
            raise UserError("it holds colours, and the masks that this reading was made for hold numbers.")
        return array

    def describe(self) -> str:
        """The reading in a line, such as "numbered cells, 16 bit; cell is above 0; 2,201 cells"."""
        if self.classes:
            return self._describe_classes()
        what = {"colours": "colours", "indices": "a palette, of which the indices count"}.get(self.form, "")
        if self.form in ("red", "green", "blue"):
            what = f"numbers in the {self.form} channel"
        if self.numbered:
            kind = "one colour a cell" if self.form == "colours" else ", ".join(filter(None, [NUMBERED, what]))
        else:
            kind = what or self.kind
        depth = "" if self.form in ("colours", "indices") else f", {self.bits} bit"
        ignored = "" if self.ignore is None else f"; ignored is {in_words(self.ignore)}"
        share = "" if self.share is None else f"; {percent(self.share)} of the pixels"
        count = share if self.count is None else f"; {count_noun(self.count, 'cell')}"
        return f"{kind}{depth}; cell is {in_words(self.cells)}{ignored}{count}"

    def to_dict(self) -> dict[str, Any]:
        """The reading, for a JSON file."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        classes = values.pop("classes")
        if classes:  # older versions do not know them
            values["classes"] = [mask_class.to_dict() for mask_class in classes]
        return values

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> MaskReading:
        """The reading that `to_dict` returned.

        Raises
        ------
        UserError
            If this version doesn't know one of its entries, or cannot use it.
        """
        if not isinstance(stored, Mapping):
            raise UserError(f"a reading of masks is not {shorten(repr(stored))}.")
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(stored) - names):
            raise UserError(
                f"a reading of masks with unknown entries ({shorten(', '.join(unknown))}): it needs a newer minunet."
            )
        if missing := {"kind", "cells"} - set(stored):
            raise UserError(f"a reading of masks without {' and '.join(sorted(missing))}.")
        if "classes" not in stored:
            return cls(**stored)
        if not isinstance(stored["classes"], (list, tuple)):
            raise UserError(f"classes of masks are not {shorten(repr(stored['classes']))}.")
        return cls(**{**stored, "classes": tuple(map(MaskClass.from_dict, stored["classes"]))})

    def _class_problems(self) -> list[str]:
        if not isinstance(self.classes, tuple) or not all(
            isinstance(mask_class, MaskClass)
            and isinstance(mask_class.name, str)
            and isinstance(mask_class.values, str)
            and isinstance(mask_class.lies_in, str | None)
            for mask_class in self.classes
        ):
            return [f"classes of the masks {shorten(repr(self.classes))}: they have a name and values each."]
        names = [mask_class.name for mask_class in self.classes]
        problems = [f"classes of the masks: {problem}" for problem in name_problems(names)]
        outer = {mask_class.name: mask_class.lies_in for mask_class in self.classes if mask_class.lies_in is not None}
        for name, around in outer.items():
            if around not in names[1:] or around in outer or name == names[0]:
                problems.append(f"class {shorten(name)} of the masks: it cannot lie in {shorten(around)}.")
        for mask_class in self.classes:
            try:
                MaskValues(mask_class.values)
            except UserError as error:
                problems.append(f"values of the masks: {shorten(error)}")
        return problems

    def _describe_classes(self) -> str:
        kind = {"colours": "colours", "indices": "a palette, of which the indices count"}.get(self.form, self.kind)
        if self.form in ("red", "green", "blue"):
            kind = f"numbers in the {self.form} channel"
        depth = "" if self.form in ("colours", "indices") else f", {self.bits} bit"
        listed = ", ".join(f"{mask_class.name} {in_words(mask_class.values)}" for mask_class in self.classes)
        nested = "".join(
            f"; {mask_class.name} lies in {mask_class.lies_in}" for mask_class in self.classes if mask_class.lies_in
        )
        ignored = "" if self.ignore is None else f"; ignored is {in_words(self.ignore)}"
        share = "" if self.share is None else f"; {percent(self.share)} of the pixels are cell"
        return f"{kind}{depth}; {len(self.classes)} classes: {listed}{nested}{ignored}{share}"

    def _sharp_values(self, stored: StoredMask) -> np.ndarray:
        """The values, those of blurred edges replaced by those of the regions around them."""
        values = self.values(stored)
        if not self.blurred or self.tolerance or self.form != "colours":
            return values
        return sharpened(values, MaskValues(self.cells))

    def _are_cell(self, values: np.ndarray) -> np.ndarray:
        chosen = MaskValues(self.cells)
        if self.tolerance and self.form == "colours":
            return are_near(values, chosen, self.tolerance)
        return chosen.chosen(values, colours=self.form == "colours")
