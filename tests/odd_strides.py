"""Arrays that NumPy calls C-contiguous, whose axes of length 1 have strides that mean nothing."""

import numpy as np


def with_odd_strides(array, rng):
    """The same values in C order, with any multiple of the element's size as the stride of each axis that nothing steps along."""
    array = np.array(array, order="C")
    strides = tuple(
        int(rng.integers(-50, 50)) * array.itemsize if length == 1 or not array.size else stride
        for length, stride in zip(array.shape, array.strides, strict=True)
    )
    return np.lib.stride_tricks.as_strided(array, array.shape, strides)


def all_with_odd_strides(value, rng):
    """Every array in (nested) arguments."""
    if isinstance(value, (tuple, list)):
        return type(value)(all_with_odd_strides(part, rng) for part in value)
    return with_odd_strides(value, rng) if isinstance(value, np.ndarray) else value
