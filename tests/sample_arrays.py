"""Inputs for tests: numbers that are all different and never zero, so that kinks and ties are met only where a test means to."""

import numpy as np


def distinct(shape, seed=0, *, low=-1.0, high=1.0, dtype=np.float64):
    """An array of evenly spaced values between `low` and `high`, shuffled; none is zero, no two are equal."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    count = int(np.prod(shape))
    # The first and the last fraction are 1/4 and 3/4 of a step from the ends, so that no symmetric interval meets its middle.
    values = low + (high - low) * (np.arange(count) + 0.25) / max(count, 1)
    np.random.default_rng(seed).shuffle(values)
    values = values.reshape(shape).astype(dtype)
    assert np.unique(values).size == count and (values != 0).all()
    return values
