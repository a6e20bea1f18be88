"""Counts of the changes of a tensor's values, so that a backward pass notices if a saved array was changed since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minunet.kernels.backend import Array, is_array


class Changes:
    """The number of changes of the values in some memory; all tensors on that memory share it."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


def memory_of(array: Array) -> Any:
    """The object that owns an array's memory: views of one array have the same owner."""
    base = getattr(array, "base", None)
    return array if base is None else base


def arrays_in(values: Any) -> Iterator[Array]:
    """The arrays in a tuple, also inside other tuples."""
    for value in values:
        if isinstance(value, tuple):
            yield from arrays_in(value)
        elif is_array(value):
            yield value
