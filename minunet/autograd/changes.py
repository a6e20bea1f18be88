"""Changes of a tensor's values, counted, so that a backward pass notices when what it saved is no longer what it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minunet.kernels.backend import Array, is_array


class Changes:
    """How often the values in some memory were changed; all tensors on that memory share it."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


def memory_of(array: Array) -> Any:
    """The object that owns an array's memory: views of one array have the same."""
    base = getattr(array, "base", None)
    return array if base is None else base


def arrays_in(values: Any) -> Iterator[Array]:
    """The arrays in a tuple, also inside of other tuples."""
    for value in values:
        if isinstance(value, tuple):
            yield from arrays_in(value)
        elif is_array(value):
            yield value
