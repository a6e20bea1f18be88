"""A plain array: of NumPy's own type (or CuPy's), in C order, with the strides that follow from its shape.

Subclasses give the operators another meaning (`np.matrix`) or carry data that we would not read (the mask of `np.ma`). And NumPy
calls an array C-contiguous with any strides of axes of length 1. These strides matter only to code that computes addresses.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy as np

from minunet.kernels.backend import Array, array_module


def plain(value: Any) -> Any:
    """An array of a subclass of `numpy.ndarray` as a plain array on the same memory; anything else unchanged.

    Raises
    ------
    TypeError
        For a masked array, also inside a list: its mask would be ignored.

    Examples
    --------
    >>> plain(np.ones((1, 2)).view(np.matrix))
    array([[1., 1.]])
    """
    if type(value) is np.ndarray or array_module(value) is not np:
        return value
    if is_masked(value):
        raise TypeError(
            "a masked array was given, whose mask would be ignored; "
            "fill its gaps first, with array.filled(value), or pass a weight of 0 for them"
        )
    return np.asarray(value) if isinstance(value, np.ndarray) else value


def is_masked(value: Any) -> bool:
    """Whether `value` is a masked array, or a list or tuple that holds one."""
    if isinstance(value, (list, tuple)):
        return any(is_masked(item) for item in value)
    # numpy.ma takes longer to import than a model to read; as long as nobody has imported it, there are no masked arrays.
    return "numpy.ma" in sys.modules and isinstance(value, (np.ma.MaskedArray, np.ma.core.MaskedConstant))


def c_ordered(array: Array) -> Array:
    """The array itself if it is plain, in C order and has the strides that follow from its shape; else a new one.

    It is copied only where it is not in C order.

    Examples
    --------
    >>> x = np.moveaxis(np.zeros((1, 1, 7, 5)), 1, -1)
    >>> x.flags.c_contiguous, x.strides, c_ordered(x).strides
    (True, (280, 40, 8, 280), (280, 40, 8, 8))
    """
    xp = array_module(array)
    array = xp.asarray(plain(array), order="C")
    # Other strides are possible only where an axis has one element (or the array none: then nothing is read).
    if xp is np and 1 in array.shape and array.size and array.strides != c_strides(array.shape, array.itemsize):
        return np.ndarray(array.shape, array.dtype, array)
    return array


@lru_cache(1024)
def c_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The bytes from one element to the next along each axis of a new array in C order.

    Examples
    --------
    >>> c_strides((2, 3, 1), 8)
    (24, 8, 8)
    """
    strides = []
    for length in reversed(shape):
        strides.append(itemsize)
        itemsize *= length
    return tuple(reversed(strides))
