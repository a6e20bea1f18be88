"""The shape and dtype of an array that need not exist: what a primitive promises about its result before it runs."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from minunet.kernels.backend import Array


class ArraySpec(NamedTuple):
    """The shape and dtype of an array.

    Examples
    --------
    >>> ArraySpec.of(np.zeros((2, 3)))
    ArraySpec(shape=(2, 3), dtype=dtype('float64'))
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @classmethod
    def of(cls, array: Array) -> ArraySpec:
        """The spec of an existing array."""
        return cls(array.shape, array.dtype)


# Nested as the primitive's result is; None where the result has no array, such as a gradient that is not needed; an argument of the
# primitive where the result is written over it.
ResultSpec: TypeAlias = "ArraySpec | Array | None | tuple[ResultSpec, ...]"
