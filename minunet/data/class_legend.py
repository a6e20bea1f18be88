"""The class legend: the names of the classes of a model, which of them lies in another, and their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minunet.data.class_colours import class_colours
from minunet.data.reading.mask_classes import MaskClass, outermost


@dataclass(frozen=True)
class ClassLegend:
    """What is known of the classes.

    Attributes
    ----------
    names : tuple of str
        The background first.
    outer : tuple of int
        For each class the index of the one that it belongs to: the class in which it lies, or itself.
    """

    names: tuple[str, ...]
    outer: tuple[int, ...]

    @classmethod
    def of(cls, names: Sequence[str], classes: Sequence[MaskClass]) -> ClassLegend:
        """The legend of classes of these names, of which the masks tell which lies in another, where they have the same names."""
        same = tuple(names) == tuple(mask_class.name for mask_class in classes)
        return cls(tuple(names), tuple(outermost(classes) if same else range(len(names))))

    @property
    def kinds(self) -> tuple[int, ...]:
        """The classes that cells can have: all but the background and those that lie in another."""
        return tuple(sorted(set(self.outer) - {0}))

    @property
    def kind_names(self) -> list[str]:
        """The names of the classes that cells can have."""
        return [self.names[kind] for kind in self.kinds]

    @property
    def described(self) -> tuple[str, ...]:
        """The names, with the class in which each lies, such as "nucleus (in white)"."""
        return tuple(
            name if outer == place else f"{name} (in {self.names[outer]})"
            for place, (name, outer) in enumerate(zip(self.names, self.outer, strict=True))
        )

    @property
    def colours(self) -> np.ndarray:
        """(K, 3) uint8."""
        return class_colours(len(self.names))

    def colour_of(self, name: str) -> tuple[int, int, int]:
        """The colour of a class."""
        red, green, blue = self.colours[self.names.index(name)].tolist()
        return red, green, blue
